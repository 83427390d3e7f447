import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { UploadWrite } from './upload-storage.ts'

/**
 * So much is written before the next sync begins. It goes on while more comes in, so that little is
 * left to sync when the last byte is there: at 200 MB/s, some 20 ms of it.
 */
const syncEveryBytes = 4 * 2 ** 20

/** Where a file is written, and what its name is when it is whole. */
export interface UploadFilePlace {
  readonly folder: string
  readonly partName: string
  readonly name: string
}

/** A file that is being written under a name of its own, and gets its true name when it is durable. */
export class UploadFile implements UploadWrite {
  readonly #folder: string
  readonly #part: string
  readonly #whole: string
  readonly #handle: FileHandle
  #unsyncedBytes = 0
  #syncing: Promise<void> | undefined

  private constructor({ folder, partName, name }: UploadFilePlace, handle: FileHandle) {
    this.#folder = folder
    this.#part = join(folder, partName)
    this.#whole = join(folder, name)
    this.#handle = handle
  }

  static async create(place: UploadFilePlace): Promise<UploadFile> {
    return new UploadFile(place, await open(join(place.folder, place.partName), 'wx', 0o600))
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.byteLength;) {
      const { bytesWritten } = await this.#handle.write(bytes, from)
      from += bytesWritten
    }
    this.#unsyncedBytes += bytes.byteLength
    if (this.#unsyncedBytes < syncEveryBytes) return
    this.#unsyncedBytes = 0
    // A disk that is slower than the client holds it back here.
    await this.#syncing
    this.#syncing = this.#handle.datasync()
    // Whoever awaits it next hears of a failure.
    this.#syncing.catch(() => {})
  }

  /** The bytes first, then the name, then the folder that lists it: each is on the disk before the next. */
  async commit(): Promise<void> {
    await this.#syncing
    await this.#handle.sync()
    await this.#handle.close()
    await rename(this.#part, this.#whole)
    const folder = await open(this.#folder, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  }

  /** A slow disk may still be at work on it: its handle waits for that, and either name may be there. */
  async abort(): Promise<void> {
    await this.#syncing?.catch(() => {})
    await this.#handle.close().catch(() => {})
    await rm(this.#part, { force: true })
    await rm(this.#whole, { force: true })
  }
}
