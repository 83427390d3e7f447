import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * So much is written before the next sync begins. It goes on while more comes in, so that little is
 * left to sync when the last byte is there: at 200 MB/s, some 20 ms of it.
 */
const syncEveryBytes = 4 * 2 ** 20

/** A file that is being written under a name of its own, and gets its true name when it is durable. */
export class UploadFile {
  readonly #folder: string
  #name: string
  readonly #handle: FileHandle
  #unsyncedBytes = 0
  #syncing: Promise<void> | undefined

  private constructor(folder: string, partName: string, handle: FileHandle) {
    this.#folder = folder
    this.#name = partName
    this.#handle = handle
  }

  static async create(folder: string, partName: string): Promise<UploadFile> {
    return new UploadFile(folder, partName, await open(join(folder, partName), 'wx', 0o600))
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
  async keepAs(name: string): Promise<void> {
    await this.#syncing
    await this.#handle.sync()
    await this.#handle.close()
    await rename(join(this.#folder, this.#name), join(this.#folder, name))
    this.#name = name
    const folder = await open(this.#folder, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  }

  /** Leaves nothing behind. */
  async discard(): Promise<void> {
    await this.#syncing?.catch(() => {})
    await this.#handle.close().catch(() => {})
    await rm(join(this.#folder, this.#name), { force: true })
  }
}
