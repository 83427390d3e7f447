import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { nonNegativeInteger, positiveInteger, register } from '../core/index.ts'
import { StorageCalls } from './upload-calls.ts'
import {
  uploadFailed,
  uploadMissing,
  uploadsClosed,
  uploadTooLarge,
  type StorageDeed,
} from './upload-errors.ts'
import { UploadFolder } from './upload-folder.ts'
import { takeIn } from './upload-intake.ts'
import {
  resolveUploadStoreOptions,
  type ResolvedUploadStoreOptions,
  type UploadFolderOptions,
  type UploadStorageOptions,
  type UploadStoreOptions,
} from './upload-options.ts'
import { release, UploadReading } from './upload-reading.ts'
import { isUploadId } from './upload-sweep.ts'
import type {
  FolderUploadStore,
  ReceiveOptions,
  UploadReference,
  UploadStore,
  UploadStoreStats,
} from './upload.ts'

/**
 * Makes a store of uploads, in a folder or a given storage: a task is given the reference of an upload
 * instead of its bytes.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import { createUploadStore } from 'hotpath/tasks'
 *
 * const uploads = createUploadStore({ folder: 'uploads', maxBytes: 5e9 })
 *
 * app.post('/imports', async (request, response) => {
 *   const upload = await uploads.receive(request)
 *   const { id } = await tasks.enqueue('import', { upload })
 *   response.status(202).location(`/tasks/${id}`).json({ id })
 * })
 * ```
 */
export function createUploadStore(options: UploadFolderOptions): FolderUploadStore
export function createUploadStore(options: UploadStorageOptions): UploadStore
export function createUploadStore(options: UploadStoreOptions): UploadStore {
  const resolved = resolveUploadStoreOptions(options)
  const { storage } = resolved
  return storage instanceof UploadFolder ? new InFolder(resolved, storage) : new InStorage(resolved)
}

class InStorage implements UploadStore {
  readonly name: string
  readonly #options: ResolvedUploadStoreOptions
  readonly #calls: StorageCalls
  readonly #closing = new AbortController()
  readonly #unregister: () => void
  readonly #receiving = new Set<Promise<unknown>>()
  #counts = { received: 0, receivedBytes: 0, failed: 0, swept: 0, leftOver: 0 }
  #sweeping: Promise<void> | undefined
  #isWarned = false

  constructor(options: ResolvedUploadStoreOptions) {
    this.name = options.name
    this.#options = options
    this.#calls = new StorageCalls(options.place, options)
    this.#unregister = register('uploads', options.name, () => this.stats())
    this.#sweep()
  }

  async receive(
    source: AsyncIterable<Uint8Array>,
    options: ReceiveOptions = {},
  ): Promise<UploadReference> {
    if (this.#closing.signal.aborted) throw this.#closing.signal.reason
    this.#sweep()
    const receiving = this.#receive(source, options)
    this.#receiving.add(receiving)
    try {
      const reference = await receiving
      this.#counts.received++
      this.#counts.receivedBytes += reference.byteLength
      return reference
    } catch (error) {
      this.#counts.failed++
      throw error
    } finally {
      this.#receiving.delete(receiving)
    }
  }

  async open(
    reference: UploadReference,
    { startByte = 0 }: { startByte?: number | undefined } = {},
  ): Promise<Readable> {
    const id = idOf(reference)
    const dueBytes = reference.byteLength - nonNegativeInteger('startByte', startByte)
    // Object stores refuse a range behind the end.
    if (startByte > 0 && dueBytes <= 0) return Readable.from([])
    const calls = this.#calls
    const stop = new AbortController()
    const bytes = await this.#ask(
      'read',
      stop,
      (signal) => this.#options.storage.open(id, { startByte, signal }),
      (late) => late && release({ bytes: late, dueBytes, calls, stop }),
    )
    if (bytes === undefined) throw uploadMissing(id)
    return new UploadReading({ bytes, dueBytes, calls, stop })
  }

  async delete(reference: UploadReference): Promise<boolean> {
    const id = idOf(reference)
    return this.#ask('remove', new AbortController(), (signal) =>
      this.#options.storage.remove(id, { signal }),
    )
  }

  stats(): UploadStoreStats {
    return { receiving: this.#receiving.size, ...this.#counts }
  }

  async close(): Promise<void> {
    this.#unregister()
    this.#closing.abort(uploadsClosed(this.#options.place))
    const swept = this.#calls.ask('sweep', async () => this.#sweeping)
    await Promise.allSettled([swept, ...this.#receiving])
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #receive(
    source: AsyncIterable<Uint8Array>,
    options: ReceiveOptions,
  ): Promise<UploadReference> {
    const { storage } = this.#options
    const ownMaxBytes = positiveInteger('maxBytes', options.maxBytes ?? this.#options.maxBytes)
    const maxBytes = Math.min(ownMaxBytes, this.#options.maxBytes)
    if ((options.byteLength ?? 0) > maxBytes) throw uploadTooLarge(maxBytes)
    const signals = [this.#closing.signal, options.signal].filter((signal) => signal !== undefined)
    const signal = AbortSignal.any(signals)
    signal.throwIfAborted()
    const id = randomBytes(16).toString('hex')
    const onLeftOver = () => void this.#counts.leftOver++
    const intake = { id, maxBytes, signal, storage, calls: this.#calls, onLeftOver }
    return { id, byteLength: await takeIn(source, intake) }
  }

  /**
   * Beside the uploads, which it neither holds up nor fails; if it fails itself, the next one begins it
   * again. It takes its time: there may be many.
   */
  #sweep(): void {
    if (this.#options.storage.sweep === undefined) return
    this.#sweeping ??= this.#sweepOnce().catch((error: unknown) => {
      this.#sweeping = undefined
      if (this.#isWarned || this.#closing.signal.aborted) return
      this.#isWarned = true
      const { message, code } = uploadFailed(this.#options.place, 'sweep', error)
      process.emitWarning(message, { type: 'HotpathWarning', code })
    })
  }

  async #sweepOnce(): Promise<void> {
    const { storage, maxAgeMs, clock } = this.#options
    const { signal } = this.#closing
    const swept = await storage.sweep?.({ maxAgeMs, nowMs: clock.epochMs(), signal })
    this.#counts.swept += swept ?? 0
  }

  async #ask<Result>(
    deed: StorageDeed,
    stop: AbortController,
    call: (signal: AbortSignal) => Promise<Result>,
    release?: (late: Result) => unknown,
  ): Promise<Result> {
    try {
      return await this.#calls.ask(deed, () => call(stop.signal), release)
    } catch (error) {
      stop.abort(error)
      throw error
    }
  }
}

class InFolder extends InStorage implements FolderUploadStore {
  readonly #folder: UploadFolder

  constructor(options: ResolvedUploadStoreOptions, folder: UploadFolder) {
    super(options)
    this.#folder = folder
  }

  pathOf(reference: UploadReference): string {
    return this.#folder.pathOf(idOf(reference))
  }
}

/** What comes from outside may be anything, also `../secret`. */
function idOf({ id }: UploadReference): string {
  if (!isUploadId(id)) throw uploadMissing(String(id))
  return id
}
