import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

// Large enough that a row costs no system call, small enough to be constant memory.
const flushLength = 512 * 1024

/** Writes one file of a dump, row by row: byte-order mark, CRLF and all. */
export class DumpWriter {
  readonly #file: FileHandle
  readonly #root: string
  #text: string
  /** Rows so far. */
  count = 0

  /** @param name of the file without `.xml`: `Posts` */
  static async create(folder: string, name: string): Promise<DumpWriter> {
    return new DumpWriter(await open(join(folder, `${name}.xml`), 'w'), name.toLowerCase())
  }

  private constructor(file: FileHandle, root: string) {
    this.#file = file
    this.#root = root
    this.#text = `\ufeff<?xml version="1.0" encoding="utf-8"?>\r\n<${root}>\r\n`
  }

  /** Adds a row; gives its attributes an `Id` that is one above the last. */
  add(attributes: string): void {
    this.count++
    this.#text += `  <row Id="${this.count}" ${attributes} />\r\n`
  }

  /** True when it is time to {@link flush}. */
  get isFull(): boolean {
    return this.#text.length >= flushLength
  }

  async flush(): Promise<void> {
    const text = this.#text
    this.#text = ''
    await this.#file.writeFile(text)
  }

  async close(): Promise<void> {
    this.#text += `</${this.#root}>`
    await this.flush()
    await this.#file.close()
  }

  /** Closes the file as it is. */
  async abandon(): Promise<void> {
    await this.#file.close().catch(() => {})
  }
}
