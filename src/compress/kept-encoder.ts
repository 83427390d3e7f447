/* oxlint-disable no-underscore-dangle -- the names are Node's */
import type { Transform } from 'node:stream'

/** Room for what is compressed, taken once: more comes in several pieces. */
export const keptChunkBytes = 131_072

/** How a {@link KeptEncoder} works. */
export interface KeptEncoding {
  /** An encoder with room for {@link keptChunkBytes}. */
  readonly make: () => Transform
  /** The flush that ends a body. */
  readonly endFlush: number
  /** Gzip has to be told that another body begins. To zstd it is another frame, with no more ado. */
  readonly isReset: boolean
  readonly decode: (encoded: Buffer) => Buffer
}

/**
 * Compresses one body after the other with one encoder. `gzipSync` and its like make an encoder for
 * each, and throw it away: some 300 kB of native memory, of which V8 is told, so that it collects
 * garbage again and again. Where a server compressed pages of 20 kB, that was a quarter of its CPU
 * time, and more than the compression.
 *
 * Node has no documented way to do it at once and on this thread. `_processChunk`, which its streams
 * keep "for backwards compatibility" and on which npm itself relies (minizlib), does it, but closes the
 * handle behind itself: it gets one that it cannot close. It is tried out before it is trusted.
 */
export class KeptEncoder {
  readonly #engine: Engine
  readonly #native: Handle
  readonly #unclosed: Handle
  readonly #encoding: KeptEncoding

  private constructor(engine: Engine, encoding: KeptEncoding) {
    const native = engine._handle
    this.#engine = engine
    this.#native = native
    this.#unclosed = {
      writeSync: (...parameters) => native.writeSync(...parameters),
      reset: () => native.reset(),
      close() {},
    }
    this.#encoding = encoding
  }

  /** `undefined` where this Node does not let one be kept. */
  static tryMake(encoding: KeptEncoding): KeptEncoder | undefined {
    const engine = encoding.make()
    if (!isEngine(engine)) return undefined
    const encoder = new KeptEncoder(engine, encoding)
    try {
      const encoded = samples.map((sample) => encoder.encode(sample))
      const decoded = encoded.map((bytes) => encoding.decode(bytes).toString())
      return decoded.join('') === samples.join('') ? encoder : undefined
    } catch {
      return undefined
    }
  }

  /**
   * The body in memory of its own.
   *
   * @throws what zlib throws; the encoder is of no use then
   */
  encode(body: Buffer): Buffer {
    const engine = this.#engine
    engine._handle = this.#unclosed
    const encoded = engine._processChunk(body, this.#encoding.endFlush)
    // It has added one to hear of an error.
    engine.removeAllListeners('error')
    if (this.#encoding.isReset) this.#native.reset()
    // A view of what the next body is written to.
    return Buffer.from(encoded)
  }
}

/** Two, and decoded after both were made: so it shows if one changes the other. */
const samples = ['one body, one body', 'and another one, another one'].map((text) =>
  Buffer.from(text),
)

/** What of Node's own streams is used here. */
interface Engine extends Transform {
  _handle: Handle
  _processChunk(chunk: Buffer, flush: number): Buffer
}

interface Handle {
  writeSync(...parameters: unknown[]): unknown
  reset(): unknown
  close(): void
}

function isEngine(stream: Transform): stream is Engine {
  return (
    '_processChunk' in stream &&
    typeof stream._processChunk === 'function' &&
    '_handle' in stream &&
    isHandle(stream._handle)
  )
}

function isHandle(value: unknown): value is Handle {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['writeSync', 'reset', 'close'].every((name) => typeof Reflect.get(value, name) === 'function')
  )
}
