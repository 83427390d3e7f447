import { mkdir, open, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { UploadFile } from './upload-file.ts'
import type { UploadStorage } from './upload-storage.ts'
import { partName, sweep } from './upload-sweep.ts'

/** Keeps uploads as files of a folder, which is made where it does not exist. */
export class UploadFolder implements UploadStorage {
  readonly path: string
  #made: Promise<unknown> | undefined

  constructor(folder: string) {
    this.path = resolve(folder)
  }

  async begin(id: string): Promise<UploadFile> {
    await this.#make()
    return UploadFile.create({ folder: this.path, partName: partName(id), name: id })
  }

  async open(id: string, { startByte }: { startByte: number }): Promise<Readable | undefined> {
    try {
      const file = await open(this.pathOf(id), 'r')
      return file.createReadStream({ start: startByte, highWaterMark: 256 * 2 ** 10 })
    } catch (error) {
      return ifNotFound(error, undefined)
    }
  }

  async remove(id: string): Promise<boolean> {
    try {
      await rm(this.pathOf(id))
      return true
    } catch (error) {
      return ifNotFound(error, false)
    }
  }

  async sweep(options: { maxAgeMs: number | false; nowMs: number }): Promise<number> {
    await this.#make()
    return sweep(this.path, options)
  }

  pathOf(id: string): string {
    return join(this.path, id)
  }

  #make(): Promise<unknown> {
    this.#made ??= mkdir(this.path, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      this.#made = undefined
      throw error
    })
    return this.#made
  }
}

function ifNotFound<Answer>(error: unknown, answer: Answer): Answer {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return answer
  throw error
}
