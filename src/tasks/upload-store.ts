import { randomBytes } from 'node:crypto'
import { mkdir, open, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { invalid, positiveInteger, register } from '../core/index.ts'
import { uploadFailed, uploadMissing, uploadsClosed, uploadTooLarge } from './upload-errors.ts'
import { UploadFile } from './upload-file.ts'
import {
  resolveUploadStoreOptions,
  type ResolvedUploadStoreOptions,
  type UploadStoreOptions,
} from './upload-options.ts'
import { untilAborted } from './upload-source.ts'
import { isUploadId, partName, sweep } from './upload-sweep.ts'
import type { ReceiveOptions, UploadReference, UploadStore, UploadStoreStats } from './upload.ts'

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
    const ownMaxBytes = positiveInteger('maxBytes', options.maxBytes ?? this.#options.maxBytes)
    const maxBytes = Math.min(ownMaxBytes, this.#options.maxBytes)
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

function isNotFound(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ENOENT'
}
