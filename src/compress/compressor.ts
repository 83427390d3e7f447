import { register } from '../core/index.ts'
import type { Transform } from 'node:stream'
import { measureSyncLimits, type SyncLimits } from './cost.ts'
import { createEncoder, encodeAsync, encodeSync, type ContentCoding } from './encode.ts'
import { acceptedCodings } from './negotiate.ts'
import {
  resolveCompressorOptions,
  type CompressorOptions,
  type ResolvedCompressorOptions,
} from './options.ts'
import { canBePadded, padded } from './padding.ts'
import { EncodeQueue } from './queue.ts'
import { bytesOfText, memoryOfText, passingBytesOfText, releaseBytesOfText } from './text-bytes.ts'

/** What became of whole bodies in one coding. */
export interface CodingStats {
  readonly bodies: number
  readonly bytesIn: number
  readonly bytesOut: number
}

/** What {@link Compressor.stats} tells. */
export interface CompressorStats {
  /** Whole bodies that were compressed, of how many bytes, to how many. */
  readonly bodies: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** The same, of those that were made so far. */
  readonly byCoding: Readonly<Partial<Record<ContentCoding, CodingStats>>>
  /** Bodies of which the compressed form was no smaller, so that it was not sent. */
  readonly notSmaller: number
  /** Bodies that were sent as they are, because too many waited for a thread. */
  readonly noRoom: number
  readonly streams: number
  readonly running: number
  readonly waiting: number
}

/** Compresses bodies and streams. Made by {@link createCompressor}. */
export interface Compressor {
  readonly name: string
  readonly minimumBytes: number
  /** Those that it offers, that which is fastest for a large body first. */
  readonly encodings: readonly ContentCoding[]
  /** See the option. */
  readonly breachPaddingBytes: number | false
  /**
   * The coding for a body: what the client likes best, and where it likes several alike, what is best
   * for the size; `undefined` for the body as it is.
   *
   * @param byteLength `undefined` for a stream
   */
  codingFor(
    acceptEncoding: string | undefined,
    byteLength: number | undefined,
  ): ContentCoding | undefined
  /**
   * A body compressed; `undefined` where that does not make it smaller, or where it was given up. A
   * promise where it is so large that a thread does it.
   *
   * @throws what zlib throws
   */
  encode(
    body: string | Buffer,
    coding: ContentCoding,
    signal?: AbortSignal,
  ): Buffer | undefined | Promise<Buffer | undefined>
  /** Compresses what is written to it; each piece can be decoded as soon as it has arrived. */
  createStream(coding: ContentCoding): Transform
  stats(): CompressorStats
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

type Counts = { -readonly [Name in keyof CodingStats]: CodingStats[Name] }

/** Below this a gzip body is smaller than any other, and made as fast. */
const gzipBytes = 4_096

/**
 * Makes a compressor.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import { createCompressor } from 'hotpath/compress'
 *
 * const compressor = createCompressor({ minimumBytes: 2_000 })
 * const text = JSON.stringify({ rows: Array.from({ length: 500 }, (_, id) => ({ id })) })
 * const coding = compressor.codingFor('gzip, br;q=0.9', text.length)
 * const body = coding === undefined ? undefined : await compressor.encode(text, coding)
 * ```
 */
export function createCompressor(options: CompressorOptions = {}): Compressor {
  return new BodyCompressor(resolveCompressorOptions(options))
}

class BodyCompressor implements Compressor {
  readonly name: string
  readonly minimumBytes: number
  readonly encodings: readonly ContentCoding[]
  readonly breachPaddingBytes: number | false
  readonly #options: ResolvedCompressorOptions
  readonly #queue = new EncodeQueue()
  readonly #unregister: () => void
  #syncLimits: SyncLimits | undefined
  readonly #counts: Partial<Record<ContentCoding, Counts>> = {}
  #notSmaller = 0
  #noRoom = 0
  #streams = 0

  constructor(options: ResolvedCompressorOptions) {
    this.#options = options
    this.name = options.name
    this.minimumBytes = options.minimumBytes
    this.breachPaddingBytes = options.breachPaddingBytes
    this.encodings =
      options.breachPaddingBytes === false
        ? options.encodings
        : options.encodings.filter(canBePadded)
    this.#unregister = register('compressor', options.name, () => this.stats())
  }

  codingFor(
    acceptEncoding: string | undefined,
    byteLength: number | undefined,
  ): ContentCoding | undefined {
    let best: ContentCoding | undefined
    let bestWeight = 0
    for (const { coding, weight } of acceptedCodings(acceptEncoding)) {
      if (weight < bestWeight) break
      if (!this.encodings.includes(coding)) continue
      const isBetter = best === undefined || isBetterFor(byteLength, coding, best)
      if (isBetter) best = coding
      bestWeight = weight
    }
    return best
  }

  encode(
    body: string | Buffer,
    coding: ContentCoding,
    signal?: AbortSignal,
  ): Buffer | undefined | Promise<Buffer | undefined> {
    this.#syncLimits ??= measureSyncLimits(this.#options.levels)
    const syncLimit = this.#syncLimits[coding]
    // A text has at least as many bytes as characters.
    if (body.length <= syncLimit) {
      const bytes = typeof body === 'string' ? passingBytesOfText(body) : body
      const { length } = bytes
      if (length <= syncLimit) {
        const encoded = encodeSync(bytes, coding, this.#options.levels)
        if (bytes !== body) releaseBytesOfText(bytes)
        return this.#counted(encoded, length, coding)
      }
    }
    return this.#encodeOnThread(body, coding, signal)
  }

  async #encodeOnThread(
    body: string | Buffer,
    coding: ContentCoding,
    signal: AbortSignal | undefined,
  ): Promise<Buffer | undefined> {
    let byteLength = 0
    const encoded = await this.#queue.add(
      typeof body === 'string' ? memoryOfText(body) : body.length,
      async () => {
        // Not before: of several that come in one turn of the event loop, each would wait for all.
        const bytes = typeof body === 'string' ? bytesOfText(body) : body
        byteLength = bytes.length
        const encoded = await encodeAsync(bytes, coding, this.#options.levels)
        if (bytes !== body) releaseBytesOfText(bytes)
        return encoded
      },
      signal,
    )
    if (encoded !== undefined) return this.#counted(encoded, byteLength, coding)
    if (signal?.aborted !== true) this.#noRoom++
    return undefined
  }

  createStream(coding: ContentCoding): Transform {
    this.#streams++
    return createEncoder(coding, this.#options.levels)
  }

  stats(): CompressorStats {
    const counts = Object.entries(this.#counts)
    const sumOf = (name: keyof Counts) => counts.reduce((sum, [, one]) => sum + one[name], 0)
    return {
      bodies: sumOf('bodies'),
      bytesIn: sumOf('bytesIn'),
      bytesOut: sumOf('bytesOut'),
      byCoding: Object.fromEntries(counts.map(([coding, one]) => [coding, { ...one }])),
      notSmaller: this.#notSmaller,
      noRoom: this.#noRoom,
      streams: this.#streams,
      running: this.#queue.running,
      waiting: this.#queue.waiting,
    }
  }

  async close(): Promise<void> {
    this.#unregister()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #counted(encoded: Buffer, byteLength: number, coding: ContentCoding): Buffer | undefined {
    const { breachPaddingBytes } = this
    const bytes =
      breachPaddingBytes === false ? encoded : padded(encoded, coding, breachPaddingBytes)
    if (bytes.length >= byteLength) {
      this.#notSmaller++
      return undefined
    }
    const counts = (this.#counts[coding] ??= { bodies: 0, bytesIn: 0, bytesOut: 0 })
    counts.bodies++
    counts.bytesIn += byteLength
    counts.bytesOut += bytes.length
    return bytes
  }
}

// They come in the order of `contentCodings`, which is right for all but small bodies.
function isBetterFor(
  byteLength: number | undefined,
  coding: ContentCoding,
  best: ContentCoding,
): boolean {
  return byteLength !== undefined && byteLength < gzipBytes && coding === 'gzip' && best !== 'gzip'
}
