import { randomBytes } from 'node:crypto'
import { mkdir, open, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { invalid, register } from '../core/index.ts'
import { uploadFailed, uploadMissing, uploadsClosed, uploadTooLarge } from './upload-errors.ts'
import { UploadFile } from './upload-file.ts'
import {
  resolveUploadStoreOptions,
  type ResolvedUploadStoreOptions,
  type UploadStoreOptions,
} from './upload-options.ts'
import { isUploadId, partName, sweep } from './upload-sweep.ts'

/** Names an upload: plain data, for the input of the task that works on it. */
export interface UploadReference {
  /** Nobody can guess it. */
  readonly id: string
  readonly byteLength: number
}

/** How one upload is received. */
export interface ReceiveOptions {
  /** Gives it up: nothing of it is kept, and the call rejects with the reason of the signal. */
  signal?: AbortSignal | undefined
  /**
   * What the client says that it has, as in `Content-Length`: one that is too large is refused before
   * it is read.
   */
  byteLength?: number | undefined
  /**
   * A limit of its own, in bytes; at most that of the store.
   *
   * @defaultValue `maxBytes` of the store
   */
  maxBytes?: number | undefined
}

/** What {@link UploadStore.stats} tells of this process. */
export interface UploadStoreStats {
  /** Being received now. */
  readonly receiving: number
  readonly received: number
  readonly receivedBytes: number
  /** Aborted, too large, or refused by the disk; nothing of them was kept. */
  readonly failed: number
  /** What was left by processes that were killed, or too old, when the store was made. */
  readonly swept: number
}

/** Keeps uploads on the disk, for tasks. Made by {@link createUploadStore}. */
export interface UploadStore {
  readonly name: string
  /**
   * Writes an upload to the disk as it comes, and resolves when it is durable: the file, its name and
   * the folder are synced. It takes no more memory than a chunk.
   *
   * @param source - a request, the stream of a part of a form, or any other bytes that come by and by
   * @throws whatever the source throws: a client that goes away
   * @throws HotpathError HOTPATH_TASKS_UPLOAD_TOO_LARGE, HOTPATH_TASKS_UPLOAD_DISK_FULL,
   * HOTPATH_TASKS_UPLOAD_FAILED, HOTPATH_COMPONENT_CLOSED
   */
  receive(source: AsyncIterable<Uint8Array>, options?: ReceiveOptions): Promise<UploadReference>
  /**
   * Reads an upload, from its beginning or from `startByte` on.
   *
   * @throws HotpathError HOTPATH_TASKS_UPLOAD_MISSING
   */
  open(reference: UploadReference, options?: { startByte?: number | undefined }): Promise<Readable>
  /**
   * The file of an upload, for what reads files and not streams.
   *
   * @throws HotpathError HOTPATH_TASKS_UPLOAD_MISSING of what cannot be the reference of an upload
   */
  pathOf(reference: UploadReference): string
  /** Deletes an upload: true if it was there. To be called at the end of its task. */
  delete(reference: UploadReference): Promise<boolean>
  stats(): UploadStoreStats
  /** Gives up what is being received. Close the server first. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Makes a store of uploads in a folder: a task is given the reference of an upload instead of its bytes.
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
export function createUploadStore(options: UploadStoreOptions): UploadStore {
  return new FolderStore(resolveUploadStoreOptions(options))
}

class FolderStore implements UploadStore {
  readonly name: string
  readonly #options: ResolvedUploadStoreOptions
  readonly #folder: string
  readonly #closing = new AbortController()
  readonly #unregister: () => void
  readonly #receiving = new Set<Promise<unknown>>()
  #counts = { received: 0, receivedBytes: 0, failed: 0, swept: 0 }
  #prepared: Promise<void> | undefined

  constructor(options: ResolvedUploadStoreOptions) {
    this.name = options.name
    this.#options = options
    this.#folder = resolve(options.folder)
    this.#unregister = register('uploads', options.name, () => this.stats())
    // The first upload tries again, and hears why, where this fails.
    this.#prepare().catch(() => {})
  }

  async receive(
    source: AsyncIterable<Uint8Array>,
    options: ReceiveOptions = {},
  ): Promise<UploadReference> {
    if (this.#closing.signal.aborted) throw this.#closing.signal.reason
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
    try {
      const file = await open(this.pathOf(reference), 'r')
      return file.createReadStream({ start: startByte, highWaterMark: 256 * 2 ** 10 })
    } catch (error) {
      throw isNotFound(error) ? uploadMissing(reference.id) : error
    }
  }

  pathOf({ id }: UploadReference): string {
    if (!isUploadId(id)) throw uploadMissing(String(id))
    return join(this.#folder, id)
  }

  async delete(reference: UploadReference): Promise<boolean> {
    try {
      await rm(this.pathOf(reference))
      return true
    } catch (error) {
      if (isNotFound(error)) return false
      throw error
    }
  }

  stats(): UploadStoreStats {
    return { receiving: this.#receiving.size, ...this.#counts }
  }

  async close(): Promise<void> {
    this.#unregister()
    this.#closing.abort(uploadsClosed(this.#folder))
    await Promise.allSettled([this.#prepared, ...this.#receiving])
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #receive(
    source: AsyncIterable<Uint8Array>,
    options: ReceiveOptions,
  ): Promise<UploadReference> {
    const maxBytes = Math.min(options.maxBytes ?? Infinity, this.#options.maxBytes)
    if ((options.byteLength ?? 0) > maxBytes) throw uploadTooLarge(maxBytes)
    const signals = [this.#closing.signal, options.signal].filter((signal) => signal !== undefined)
    const signal = AbortSignal.any(signals)
    signal.throwIfAborted()
    const id = randomBytes(16).toString('hex')
    const file = await this.#onDisk(async () => {
      await this.#prepare()
      return UploadFile.create(this.#folder, partName(id))
    })
    try {
      let byteLength = 0
      for await (const chunk of untilAborted(source, signal)) {
        if (!(chunk instanceof Uint8Array)) invalid('a chunk of an upload', 'bytes', chunk)
        byteLength += chunk.byteLength
        if (byteLength > maxBytes) throw uploadTooLarge(maxBytes)
        await this.#onDisk(() => file.write(chunk))
      }
      await this.#onDisk(() => file.keepAs(id))
      return { id, byteLength }
    } catch (error) {
      await file.discard()
      throw error
    }
  }

  async #onDisk<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      throw uploadFailed(this.#folder, error)
    }
  }

  #prepare(): Promise<void> {
    this.#prepared ??= this.#clean().catch((error: unknown) => {
      this.#prepared = undefined
      throw error
    })
    return this.#prepared
  }

  async #clean(): Promise<void> {
    const { maxAgeMs, clock } = this.#options
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    this.#counts.swept += await sweep(this.#folder, { maxAgeMs, nowMs: clock.epochMs() })
  }
}

/**
 * The chunks of a source, until the signal aborts: also while the source does not give any. A stream is
 * not destroyed when it is left in the middle, because a request that is destroyed cannot be answered.
 */
async function* untilAborted(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const chunks =
    source instanceof Readable
      ? (source.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>)
      : source[Symbol.asyncIterator]()
  let reject: (reason: unknown) => void = () => {}
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  let isOver = false
  try {
    for (;;) {
      signal.throwIfAborted()
      // A promise for each chunk: one that all of them wait for would hold on to all of them.
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, rejectChunk) => {
        reject = rejectChunk
        chunks.next().then(resolve, rejectChunk)
      })
      if (next.done === true) {
        isOver = true
        return
      }
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', abort)
    // Not awaited: a source that hangs would hang here, too.
    if (!isOver) void Promise.resolve(chunks.return?.()).catch(() => {})
  }
}

function isNotFound(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ENOENT'
}
