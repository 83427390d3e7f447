import { open, type FileHandle } from 'node:fs/promises'
import type { ByteSource } from './byte-source.ts'
import { sourceFailed } from './errors.ts'

// Each read is a trip to another thread, so it fetches several pieces of what is decoded at once.
const chunkBytes = 512 * 1_024

/** The bytes of a file, in two buffers: while the one is worked on, the other is filled. */
export class FileBytes implements ByteSource {
  readonly name: string
  totalBytes: number | undefined
  readonly #path: string
  #file: FileHandle | undefined
  #isClosed = false
  // Where the next read begins; a pipe or a terminal only knows "on".
  #position: number | null = null
  #next = Buffer.allocUnsafeSlow(0)
  #other = this.#next
  #reading: Promise<Buffer> | undefined

  constructor(path: string) {
    this.name = path
    this.#path = path
  }

  async next(): Promise<Buffer | undefined> {
    try {
      const file = (this.#file ??= await this.#open())
      const chunk = await (this.#reading ?? this.#read(file))
      if (chunk.length === 0 || this.#isClosed) return undefined
      this.#reading = this.#read(file)
      // It is awaited by the next call, if there is one.
      this.#reading.catch(() => {})
      return chunk
    } catch (error) {
      throw sourceFailed(this.#path, error)
    }
  }

  /** Drops what was read ahead. */
  async seek(byteOffset: number): Promise<boolean> {
    if (this.totalBytes === undefined) return false
    await this.#reading?.catch(() => {})
    this.#reading = undefined
    this.#position = byteOffset
    return true
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#reading?.catch(() => {})
    await this.#file?.close()
    this.#file = undefined
  }

  async #open(): Promise<FileHandle> {
    const file = await open(this.#path)
    const stats = await file.stat()
    if (stats.isFile()) this.totalBytes = stats.size
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
