import { Readable } from 'node:stream'
import { invalid } from '../core/index.ts'
import type { StorageCalls } from './upload-calls.ts'
import { uploadChanged } from './upload-errors.ts'

/** What a storage gives back, and what is expected of it. */
export interface StoredBytes {
  readonly bytes: AsyncIterable<Uint8Array>
  readonly dueBytes: number
  readonly calls: StorageCalls
  /** Tells the storage that nobody reads on. */
  readonly stop: AbortController
}

/** An upload that is read: all of its bytes, or an error; and nothing stays open when it is left. */
export class UploadReading extends Readable {
  readonly #stored: StoredBytes
  readonly #chunks: AsyncIterator<Uint8Array>
  #readBytes = 0
  #isOver = false

  constructor(stored: StoredBytes) {
    super()
    this.#stored = stored
    this.#chunks = stored.bytes[Symbol.asyncIterator]()
    hearErrors(stored.bytes)
  }

  override _read(): void {
    this.#readChunk().catch((error: unknown) =>
      this.destroy(error instanceof Error ? error : new Error(String(error))),
    )
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#isOver) release(this.#stored, this.#chunks)
    done(error)
  }

  async #readChunk(): Promise<void> {
    const { calls, dueBytes } = this.#stored
    for (;;) {
      const next = await calls.ask('read', () => this.#chunks.next())
      this.#isOver = next.done === true
      const readBytes = this.#readBytes + (next.done === true ? 0 : sizeOf(next.value))
      if (readBytes > dueBytes || (this.#isOver && readBytes < dueBytes)) {
        throw uploadChanged(calls.place, { readBytes, dueBytes })
      }
      this.#readBytes = readBytes
      if (next.done === true) {
        this.push(null)
        return
      }
      if (next.value.byteLength === 0) continue
      this.push(next.value)
      return
    }
  }
}

/** Lets go of bytes that nobody reads any more, also while the storage does not give any. */
export function release({ bytes, stop }: StoredBytes, chunks?: AsyncIterator<Uint8Array>): void {
  hearErrors(bytes)
  stop.abort()
  if (bytes instanceof Readable) bytes.destroy()
  // Not awaited: behind a storage that hangs it would hang, too.
  else void Promise.resolve((chunks ?? bytes[Symbol.asyncIterator]()).return?.()).catch(() => {})
}

/** The iterator of a stream does so only when it has begun, and an error that nobody hears is fatal. */
function hearErrors(bytes: AsyncIterable<Uint8Array>): void {
  if (bytes instanceof Readable) bytes.on('error', () => {})
}

function sizeOf(chunk: unknown): number {
  if (!(chunk instanceof Uint8Array)) invalid('a chunk of an upload', 'bytes', chunk)
  return chunk.byteLength
}
