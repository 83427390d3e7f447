import { Duplex } from 'node:stream'
import zlib, { constants, createBrotliDecompress, createGunzip } from 'node:zlib'
import type { ContentCoding } from '../compress/index.ts'
import { HotpathError } from '../core/index.ts'

/** How far a body may unfold. */
export interface DecodeLimits {
  readonly maxBytes: number
  readonly maxRatio: number
}

/** A body that was refused, with the status that says so; frameworks answer an error by these fields. */
export class RequestBodyError extends HotpathError {
  readonly statusCode: 400 | 413
  readonly status: 400 | 413

  constructor(status: 400 | 413, message: string, options?: ErrorOptions) {
    super('HOTPATH_HTTP_BODY_INVALID', message, options)
    this.statusCode = status
    this.status = status
  }
}

/** So little may be as repetitive as it likes: an honest table of zeros is. */
const freeBytes = 65_536

/** One coding of a body that may have several. */
interface Layer {
  readonly coding: ContentCoding
  readonly stream: Decompressor
  /** What it was given; zlib says what it has made use of. */
  bytesIn: number
  bytesOut: number
}

type Decompressor = Duplex & { readonly bytesWritten: number }

/**
 * Takes an encoded body and gives the decoded one, as it comes. Holds a few pieces of 16 KiB for each
 * coding, however much the body would unfold to. Fails with a {@link RequestBodyError}.
 */
export class RequestDecoder extends Duplex {
  /** What came in so far; Fastify reads it by this name. */
  receivedEncodedLength = 0
  readonly #limits: DecodeLimits
  readonly #layers: readonly Layer[]
  #isAllIn = false
  #isAllOut = false

  /** @param codings - as `Content-Encoding` names them: that which was applied last is last */
  constructor(codings: readonly ContentCoding[], limits: DecodeLimits) {
    super()
    this.#limits = limits
    this.#layers = codings.toReversed().map((coding) => {
      return { coding, stream: createDecompressor(coding), bytesIn: 0, bytesOut: 0 }
    })
    for (const [at, layer] of this.#layers.entries()) this.#connect(layer, this.#layers[at + 1])
  }

  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    const [first] = this.#layers
    if (first === undefined) return done()
    this.receivedEncodedLength += chunk.length
    first.bytesIn += chunk.length
    // A decoder that was ended early has its own way to tell; the error of the write adds nothing.
    first.stream.write(chunk, () => done())
  }

  override _final(done: () => void): void {
    this.#isAllIn = true
    // No bytes at all are no body, in whatever coding.
    if (this.receivedEncodedLength === 0) this.push(null)
    else if (this.#isAllOut) this.#finish()
    else this.#layers[0]?.stream.end()
    done()
  }

  override _read(): void {
    this.#layers.at(-1)?.stream.resume()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    for (const { stream } of this.#layers) stream.destroy()
    done(error)
  }

  #connect(layer: Layer, next: Layer | undefined): void {
    const { stream, coding } = layer
    stream.on('data', (chunk: Buffer) => {
      layer.bytesOut += chunk.length
      if (!this.#isWithinLimits(layer)) return
      if (next !== undefined) next.bytesIn += chunk.length
      const isRoom = next === undefined ? this.push(chunk) : next.stream.write(chunk)
      if (!isRoom) stream.pause()
    })
    next?.stream.on('drain', () => stream.resume())
    stream.once('end', () => {
      if (next !== undefined) next.stream.end()
      else this.#isAllOut = true
      if (this.#isAllOut && this.#isAllIn) this.#finish()
    })
    stream.on('error', (cause) => {
      this.destroy(new RequestBodyError(400, `the body is not whole, or not ${coding}`, { cause }))
    })
  }

  // Each coding by itself: what is between two of them costs as much as what comes out in the end.
  #isWithinLimits({ bytesOut }: Layer): boolean {
    const { maxBytes, maxRatio } = this.#limits
    if (bytesOut > maxBytes) {
      this.destroy(new RequestBodyError(413, `the decoded body is larger than ${maxBytes} bytes`))
    } else if (bytesOut > freeBytes && bytesOut > maxRatio * this.receivedEncodedLength) {
      const text = `the decoded body is more than ${maxRatio} times as large as the encoded one`
      this.destroy(new RequestBodyError(413, text))
    }
    return !this.destroyed
  }

  // Brotli and zstd stop at the end of what they know, and say nothing of what is behind it.
  #finish(): void {
    const behind = this.#layers.find(({ stream, bytesIn }) => stream.bytesWritten < bytesIn)
    if (behind === undefined) this.push(null)
    else
      this.destroy(new RequestBodyError(400, `the body goes on behind the end of ${behind.coding}`))
  }
}

// RFC 9659, 2: a zstd window of more than 8 MiB may be refused, and would be the memory of a bomb.
const zstdWindowLog = 23

function createDecompressor(coding: ContentCoding): Decompressor {
  if (coding === 'gzip') return createGunzip()
  if (coding === 'br') return createBrotliDecompress()
  return zlib.createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLog } })
}
