import { Duplex } from 'node:stream'
import zlib, { constants, createBrotliDecompress, createGunzip } from 'node:zlib'
import type { ContentCoding } from '../compress/index.ts'
import { HotpathError } from '../core/index.ts'
import { ZstdFrames } from './zstd-frames.ts'

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
  readonly frames: ZstdFrames | undefined
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
      const frames = coding === 'zstd' ? new ZstdFrames() : undefined
      return { coding, stream: createDecompressor(coding), frames, bytesIn: 0, bytesOut: 0 }
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
    const kept = this.#partFor(first, chunk)
    // A decoder that was ended early has its own way to tell; the error of the write adds nothing.
    if (kept === undefined) done()
    else first.stream.write(kept, () => done())
  }

  override _final(done: () => void): void {
    const [first] = this.#layers
    this.#isAllIn = true
    // No bytes at all are no body, in whatever coding.
    if (this.receivedEncodedLength === 0) this.push(null)
    else if (this.#isAllOut) this.#finish()
    else if (first !== undefined) this.#end(first)
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
      const kept = next === undefined ? chunk : this.#partFor(next, chunk)
      if (kept === undefined) return
      const isRoom = next === undefined ? this.push(kept) : next.stream.write(kept)
      if (!isRoom) stream.pause()
    })
    next?.stream.on('drain', () => stream.resume())
    stream.once('end', () => this.#ended(layer))
    stream.on('error', (cause) => {
      this.destroy(notWhole(coding, { cause }))
    })
  }

  /** What of a piece a decoder is given; `undefined` for nothing. */
  #partFor(layer: Layer, chunk: Buffer): Buffer | undefined {
    const { frames } = layer
    const kept = frames?.take(chunk) ?? chunk
    layer.bytesIn += kept.length
    const { maxBytes } = this.#limits
    if (frames !== undefined && frames.droppedBytes > maxBytes) {
      this.destroy(new RequestBodyError(413, `the body has more than ${maxBytes} bytes of padding`))
      return undefined
    }
    // Of blocks or members that hold nothing, nothing comes out that could be limited.
    const mostEncoded = 2 * maxBytes + freeBytes
    if (layer.bytesIn > mostEncoded) {
      const text = `the encoded body is larger than ${mostEncoded} bytes, and most of it holds nothing`
      this.destroy(new RequestBodyError(413, text))
      return undefined
    }
    return kept.length > 0 ? kept : undefined
  }

  /** A decoder gets no more. */
  #end(layer: Layer): void {
    const { stream, frames, coding } = layer
    if (frames === undefined) {
      stream.end()
    } else if (!frames.isWhole) {
      this.destroy(notWhole(coding))
    } else {
      const rest = frames.rest()
      layer.bytesIn += rest.length
      // Nothing but padding is nothing, which the decoder would take for less than that.
      if (layer.bytesIn === 0 && frames.droppedBytes > 0) this.#ended(layer)
      else stream.end(rest)
    }
  }

  /** A decoder gives no more. */
  #ended(layer: Layer): void {
    const next = this.#layers[this.#layers.indexOf(layer) + 1]
    if (next !== undefined) this.#end(next)
    else this.#isAllOut = true
    if (this.#isAllOut && this.#isAllIn) this.#finish()
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
    for (const { stream, frames, coding, bytesIn } of this.#layers) {
      if (frames?.isWhole === false) {
        this.destroy(notWhole(coding))
      } else if (stream.bytesWritten < bytesIn + (frames?.rest().length ?? 0)) {
        this.destroy(new RequestBodyError(400, `the body goes on behind the end of ${coding}`))
      }
    }
    if (!this.destroyed) this.push(null)
  }
}

function notWhole(coding: ContentCoding, options?: ErrorOptions): RequestBodyError {
  return new RequestBodyError(400, `the body is not whole, or not ${coding}`, options)
}

// RFC 9659, 2: a zstd window of more than 8 MiB may be refused, and would be the memory of a bomb.
const zstdWindowLog = 23

function createDecompressor(coding: ContentCoding): Decompressor {
  if (coding === 'gzip') return createGunzip()
  if (coding === 'br') return createBrotliDecompress()
  return zlib.createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLog } })
}
