import { randomBytes } from 'node:crypto'
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Gzip } from 'node:zlib'
import { invalid, knownOptions, type Sink } from '../core/index.ts'
import { sinkFailed } from './errors.ts'
import { oneOf } from './lines-options.ts'

/** How {@link toFile} writes. */
export interface FileSinkOptions {
  /**
   * `lines` writes texts and bytes as they are, `ndjson` any row as JSON; each with a line feed.
   *
   * @defaultValue 'lines'
   */
  as?: 'lines' | 'ndjson' | undefined
  /**
   * Compresses what is written.
   *
   * @defaultValue whether the path ends in `.gz`
   */
  gzip?: boolean | undefined
}

/** What a file sink closes with. */
export interface WrittenFile {
  /** Bytes of the file: compressed ones, if it is. */
  readonly bytes: number
}

/**
 * A sink that makes a file, whole or not at all: rows go to a file of another name in the same
 * folder, which gets its own when all of it is on the disk. What was there before is untouched until
 * then. A process that is killed leaves the other file behind: its name begins with a dot and ends
 * in `.partial`.
 *
 * @throws HotpathError HOTPATH_STREAM_SINK_FAILED while it writes
 *
 * @example
 * ```ts
 * await lines('access.log').filter((line) => line.includes(' 500 ')).to(toFile('errors.log.gz'))
 * ```
 */
export function toFile(
  file: string | URL,
  options: FileSinkOptions = {},
): Sink<unknown, WrittenFile> {
  knownOptions('toFile', options, ['as', 'gzip'])
  const path = typeof file === 'string' ? file : fileURLToPath(file)
  const { as = 'lines', gzip = path.endsWith('.gz') } = options
  return new FileSink(path, oneOf('as', ['lines', 'ndjson'], as), gzip)
}

class FileSink implements Sink<unknown, WrittenFile> {
  readonly #path: string
  readonly #partialPath: string
  readonly #as: 'lines' | 'ndjson'
  readonly #isGzip: boolean
  #file: FileHandle | undefined
  #packer: Packer | undefined
  #bytes = 0

  constructor(path: string, as: 'lines' | 'ndjson', isGzip: boolean) {
    this.#path = path
    const name = `.${basename(path)}.${randomBytes(6).toString('hex')}.partial`
    this.#partialPath = join(dirname(path), name)
    this.#as = as
    this.#isGzip = isGzip
  }

  write(rows: readonly unknown[]): Promise<void> {
    return this.#guarded(async () => {
      const file = await this.#open()
      const bytes = this.#encode(rows)
      await this.#append(file, await (this.#packer?.add(bytes) ?? bytes))
    })
  }

  close(): Promise<WrittenFile> {
    return this.#guarded(async () => {
      const file = await this.#open()
      if (this.#packer !== undefined) await this.#append(file, await this.#packer.end())
      await file.sync()
      await file.close()
      this.#file = undefined
      await rename(this.#partialPath, this.#path)
      await syncFolder(dirname(this.#path))
      return { bytes: this.#bytes }
    })
  }

  async abort(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    this.#packer?.abort()
    await file?.close().catch(() => {})
    await rm(this.#partialPath, { force: true }).catch(() => {})
  }

  async #open(): Promise<FileHandle> {
    if (this.#file !== undefined) return this.#file
    // The rename would refuse it too, but only when all is written.
    const there = await stat(this.#path).catch(() => undefined)
    if (there?.isDirectory()) throw Object.assign(new Error('EISDIR'), { code: 'EISDIR' })
    // The rename would put a file in the place of a device or a pipe, and whoever reads that gets nothing.
    if (there?.isFile() === false) throw new Error('it is no regular file')
    if (this.#isGzip) this.#packer = new Packer((await import('node:zlib')).createGzip())
    this.#file = await open(this.#partialPath, 'wx', there?.mode ?? 0o666)
    return this.#file
  }

  #encode(rows: readonly unknown[]): Buffer {
    if (this.#as === 'ndjson') return Buffer.from(rows.map((row) => `${jsonOf(row)}\n`).join(''))
    if (rows.every((row) => typeof row === 'string')) return Buffer.from(`${rows.join('\n')}\n`)
    return Buffer.concat(rows.flatMap((row) => [bytesOf(row), lineFeed]))
  }

  async #append(file: FileHandle, bytes: Buffer): Promise<void> {
    for (let from = 0; from < bytes.length;) {
      const { bytesWritten } = await file.write(bytes, from)
      from += bytesWritten
    }
    this.#bytes += bytes.length
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code?.startsWith('HOTPATH_')
        ? error
        : sinkFailed(this.#path, error)
    }
  }
}

const lineFeed = Buffer.from('\n')

function bytesOf(row: unknown): Uint8Array {
  if (typeof row === 'string') return Buffer.from(row)
  if (row instanceof Uint8Array) return row
  return invalid("a row for toFile, unless it is given as: 'ndjson',", 'a text or bytes', row)
}

/** A row as JSON; what has no JSON is `null`, as in an array. */
export function jsonOf(row: unknown): string {
  return JSON.stringify(row) ?? 'null'
}

// A rename is as durable as the folder that it is written in.
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Compresses piece by piece, and never holds more than one. */
class Packer {
  readonly #gzip: Gzip
  #packed: Buffer[] = []

  constructor(gzip: Gzip) {
    this.#gzip = gzip
    gzip.on('data', (piece: Buffer) => this.#packed.push(piece))
  }

  async add(bytes: Buffer): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#gzip.write(bytes, (error) => (error ? reject(error) : resolve()))
    await promise
    return this.#take()
  }

  async end(): Promise<Buffer> {
    this.#gzip.end()
    await once(this.#gzip, 'end')
    return this.#take()
  }

  abort(): void {
    this.#gzip.destroy()
  }

  #take(): Buffer {
    const packed = Buffer.concat(this.#packed)
    this.#packed = []
    return packed
  }
}
