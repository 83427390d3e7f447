import { open, type FileHandle } from 'node:fs/promises'
import type { ByteSource } from './byte-source.ts'
import { sourceFailed } from './errors.ts'
import { unlessAborted } from './unless-aborted.ts'

// Each read is a trip to another thread, so it fetches several pieces of what is decoded at once.
const chunkBytes = 512 * 1_024

/** The bytes of a file, in two buffers: while the one is worked on, the other is filled. */
export class FileBytes implements ByteSource {
  readonly name: string
  totalBytes: number | undefined
  readonly #path: string
  readonly #signal: AbortSignal | undefined
  #file: Promise<FileHandle> | undefined
  #isClosed = false
  // Undefined for a pipe or a terminal: nobody knows when there is something to read.
  #sizeBytes: number | undefined
  #givenBytes = 0
  // Where the next read begins; a pipe or a terminal only knows "on".
  #position: number | null = null
  #next = Buffer.allocUnsafeSlow(0)
  #other = this.#next
  #reading: Promise<Buffer> | undefined

  constructor(path: string, signal: AbortSignal | undefined) {
    this.name = path
    this.#path = path
    this.#signal = signal
  }

  async next(): Promise<Buffer | undefined> {
    try {
      const file = await unlessAborted((this.#file ??= this.#open()), this.#signal)
      this.#reading ??= this.#read(file)
      const chunk = await unlessAborted(this.#reading, this.#signal)
      if (chunk.length === 0 || this.#isClosed) return undefined
      this.#givenBytes += chunk.length
      this.#reading = this.#read(file)
      // It is awaited by the next call, if there is one.
      this.#reading.catch(() => {})
      return chunk
    } catch (error) {
      this.#signal?.throwIfAborted()
      throw sourceFailed(this.#path, error)
    }
  }

  /** Drops what was read ahead. */
  async seek(byteOffset: number): Promise<boolean> {
    if (this.#sizeBytes === undefined) return false
    await this.#reading?.catch(() => {})
    this.#reading = undefined
    this.#position = byteOffset
    this.totalBytes = this.#givenBytes + Math.max(0, this.#sizeBytes - byteOffset)
    return true
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const closing = this.#closeAfterReading()
    // To open a pipe, or to read from it, lasts until somebody writes, if ever, and cannot be called off.
    if (this.#sizeBytes === undefined) closing.catch(() => {})
    else await closing
  }

  async #closeAfterReading(): Promise<void> {
    const file = await this.#file?.catch(() => undefined)
    await this.#reading?.catch(() => {})
    await file?.close()
  }

  async #open(): Promise<FileHandle> {
    const file = await open(this.#path)
    const stats = await file.stat()
    if (stats.isFile()) this.totalBytes = this.#sizeBytes = stats.size
    return file
  }

  async #read(file: FileHandle): Promise<Buffer> {
    if (this.#next.length === 0) this.#next = Buffer.allocUnsafeSlow(chunkBytes)
    const buffer = this.#next
    this.#next = this.#other
    this.#other = buffer
    const { bytesRead } = await file.read(buffer, 0, buffer.length, this.#position)
    if (this.#position !== null) this.#position += bytesRead
    return buffer.subarray(0, bytesRead)
  }
}
