import { fileURLToPath } from 'node:url'
import { Readable } from 'node:stream'
import { invalid } from '../core/index.ts'
import { FileBytes } from './file-bytes.ts'
import { unlessAborted } from './unless-aborted.ts'

/**
 * What {@link lines} reads from: the path or the `file:` URL of a file, bytes, a Node stream, a web
 * stream, or anything else that yields chunks of bytes (or of text, which is read as UTF-8).
 */
export type LineSource =
  | string
  | URL
  | Uint8Array
  | Readable
  | ReadableStream<Uint8Array | string>
  | AsyncIterable<Uint8Array | string>
  | Iterable<Uint8Array | string>

/** Bytes, chunk by chunk. */
export interface ByteSource {
  /** For messages. */
  readonly name: string
  /** The bytes that are to be read in all, where that is known before. */
  readonly totalBytes: number | undefined
  /** The next chunk, which may be overwritten by the next call; undefined at the end. */
  next(): Promise<Buffer | undefined>
  /** Goes on at a byte offset; false where the source cannot. */
  seek(byteOffset: number): Promise<boolean>
  /** Frees what is held, also in the middle of a call of `next`. */
  close(): Promise<void>
}

/** Opens nothing yet: that happens with the first call of `next`. */
export function openBytes(source: LineSource, signal: AbortSignal | undefined): ByteSource {
  if (typeof source === 'string') return new FileBytes(source, signal)
  if (source instanceof URL) return new FileBytes(pathOf(source), signal)
  if (source instanceof Uint8Array) return new ChunkBytes(oneByOne(piecesOf(source)), signal)
  if (source instanceof Readable) return new ChunkBytes(ofNodeStream(source), signal)
  if (typeof source === 'object' && source !== null) {
    // By its shape: naming the class would load all of Node's web streams for those who use none.
    if ('getReader' in source) return new ChunkBytes(ofWebStream(source), signal)
    if (Symbol.asyncIterator in source) {
      return new ChunkBytes(oneByOne(source[Symbol.asyncIterator]()), signal)
    }
    if (Symbol.iterator in source) {
      return new ChunkBytes(oneByOne(source[Symbol.iterator]()), signal)
    }
  }
  return invalid('source', 'a path, a file: URL, bytes, a stream or an iterable of chunks', source)
}

function pathOf(url: URL): string {
  if (url.protocol === 'file:') return fileURLToPath(url)
  return invalid('source', 'a file: URL; fetch others yourself and give the body', url.href)
}

type Chunk = Uint8Array | string

/** Chunks that somebody else makes, and how to tell him to stop. */
interface Chunks {
  next(): Promise<IteratorResult<Chunk, unknown>>
  close(isPending: boolean): Promise<unknown>
}

function ofNodeStream(stream: Readable): Chunks {
  const iterator: AsyncIterator<Chunk> = stream[Symbol.asyncIterator]()
  return {
    next: () => iterator.next(),
    close: async () => stream.destroy(),
  }
}

function ofWebStream(stream: ReadableStream<Chunk>): Chunks {
  const reader = stream.getReader()
  return {
    next: async () => {
      const { done, value } = await reader.read()
      return done ? { done, value: undefined } : { done, value }
    },
    close: () => reader.cancel(),
  }
}

function oneByOne(iterator: AsyncIterator<Chunk> | Iterator<Chunk>): Chunks {
  return {
    next: async () => iterator.next(),
    async close(isPending) {
      const returned = Promise.resolve(iterator.return?.())
      // A generator answers only when what it waits for has come, if ever.
      if (isPending) returned.catch(() => {})
      else await returned
    },
  }
}

const pieceBytes = 256 * 1_024

function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += pieceBytes) {
    yield bytes.subarray(from, from + pieceBytes)
  }
}

class ChunkBytes implements ByteSource {
  readonly name = 'the source'
  readonly totalBytes = undefined
  readonly #chunks: Chunks
  readonly #signal: AbortSignal | undefined
  #isPending = false
  #highSurrogate = ''

  constructor(chunks: Chunks, signal: AbortSignal | undefined) {
    this.#chunks = chunks
    this.#signal = signal
  }

  async next(): Promise<Buffer | undefined> {
    this.#isPending = true
    const { done, value } = await unlessAborted(this.#chunks.next(), this.#signal)
    this.#isPending = false
    if (!done) return this.#toBuffer(value)
    const rest = this.#highSurrogate
    this.#highSurrogate = ''
    return rest === '' ? undefined : Buffer.from(rest)
  }

  async seek(): Promise<boolean> {
    return false
  }

  async close(): Promise<void> {
    await this.#chunks.close(this.#isPending)
  }

  #toBuffer(chunk: Chunk): Buffer {
    if (typeof chunk === 'string') return this.#encode(chunk)
    if (chunk instanceof Uint8Array) {
      return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    }
    return invalid('a chunk of the source', 'bytes or text', chunk)
  }

  #encode(chunk: string): Buffer {
    const text = this.#highSurrogate + chunk
    const isCut = /[\ud800-\udbff]$/.test(text)
    this.#highSurrogate = isCut ? text.slice(-1) : ''
    return Buffer.from(isCut ? text.slice(0, -1) : text)
  }
}
