import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Transform } from 'node:stream'
import type { ContentCoding } from '../compress/index.ts'
import { weakened, type CompressStep } from './compress-step.ts'
import { HeldHead } from './held-head.ts'
import { callbackIn, done, isChunk, setHeaders } from './node-headers.ts'

type Replaced = Pick<ServerResponse, 'end' | 'flushHeaders' | 'write' | 'writeHead'>

/**
 * Compresses what is written to a response of `node:http`. A body that comes with `end` alone is
 * compressed as a whole and has a length; one that is written in pieces is a stream, of which each
 * piece can be decoded when it arrives.
 */
export function compressNode(
  step: CompressStep,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const compression = new NodeCompression(step, request, response)
  compressions.set(response, compression)
  compression.install()
}

/** Sends a response as it is, whatever it is: one that the cache has kept in the form it is to have. */
export function leaveAlone(response: ServerResponse): void {
  compressions.get(response)?.uninstall()
}

const compressions = new WeakMap<ServerResponse, NodeCompression>()

class NodeCompression {
  readonly #step: CompressStep
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #replaced: Replaced
  readonly #own: Readonly<Record<keyof Replaced, (...parameters: unknown[]) => unknown>> = {
    end: (...parameters) => this.#end(parameters),
    flushHeaders: () => this.#flushHeaders(),
    write: (...parameters) => this.#write(parameters),
    writeHead: (...parameters) => this.#writeHead(parameters),
  }
  // `held`: the whole body is with a thread. `plain`: it passes as it comes.
  #state: 'open' | 'held' | 'plain' | 'encoding' = 'open'
  #hasBegun = false
  #encoder: Transform | undefined

  constructor(step: CompressStep, request: IncomingMessage, response: ServerResponse) {
    this.#step = step
    this.#request = request
    this.#response = response
    const { end, flushHeaders, write, writeHead } = response
    this.#replaced = { end, flushHeaders, write, writeHead }
  }

  install(): void {
    const response = this.#response
    Object.assign(response, this.#own)
    // An error handler must not begin a second answer where the first has begun.
    Object.defineProperty(response, 'headersSent', {
      configurable: true,
      get: () => this.#hasBegun,
    })
  }

  /** Puts back what was replaced, but for what others have replaced since. */
  uninstall(): void {
    if (this.#state !== 'open') return
    this.#state = 'plain'
    this.#restoreHeadersSent()
    const response = this.#response
    for (const name of Object.keys(this.#own) as (keyof Replaced)[]) {
      if (response[name] === this.#own[name]) {
        Object.assign(response, { [name]: this.#replaced[name] })
      }
    }
  }

  #writeHead(parameters: readonly unknown[]): unknown {
    const [status, second, third] = parameters
    if (this.#state === 'held') return this.#response
    if (this.#state !== 'open' || !Number.isInteger(status))
      return this.#call('writeHead', parameters)
    // Informational: the answer is still to come.
    if (Number(status) < 200) return this.#call('writeHead', parameters)
    this.#hasBegun = true
    this.#response.statusCode = Number(status)
    if (typeof second === 'string') this.#response.statusMessage = second
    setHeaders(this.#response, typeof second === 'string' ? third : (second ?? third))
    return this.#response
  }

  #write(parameters: readonly unknown[]): unknown {
    const [chunk, encoding] = parameters
    if (this.#state === 'held') return done(parameters, false)
    if (this.#state === 'open' && isChunk(chunk)) this.#beginStream()
    if (this.#encoder === undefined || !isChunk(chunk)) return this.#call('write', parameters)
    const callback = callbackIn(parameters)
    return typeof encoding === 'string'
      ? this.#encoder.write(chunk, encoding as BufferEncoding, callback)
      : this.#encoder.write(chunk, callback)
  }

  #flushHeaders(): void {
    if (this.#state === 'held') return
    if (this.#state === 'open') this.#beginStream()
    this.#call('flushHeaders', [])
  }

  #end(parameters: readonly unknown[]): unknown {
    const response = this.#response
    const [first, encoding] = parameters
    const chunk = typeof first === 'function' ? undefined : (first ?? undefined)
    if (this.#state === 'held') return done(parameters, response)
    if (chunk !== undefined && !isChunk(chunk)) return this.#call('end', parameters)
    if (this.#encoder !== undefined) {
      const callback = callbackIn(parameters)
      if (callback !== undefined) response.once('finish', callback)
      if (chunk !== undefined) this.#encoder.write(bytesOf(chunk, encoding))
      this.#encoder.end()
      return response
    }
    if (this.#state === 'plain') return this.#call('end', parameters)
    return this.#endWhole(chunk === undefined ? undefined : bytesOf(chunk, encoding), parameters)
  }

  #endWhole(body: string | Buffer | undefined, parameters: readonly unknown[]): unknown {
    const isHead = this.#request.method === 'HEAD'
    const coding = this.#plan(isHead ? this.#lengthOfHead(body) : this.#step.lengthOf(body ?? ''))
    if (isHead && coding === undefined) this.#setLengthOfHead(body)
    if (coding === undefined || (body === undefined && !isHead))
      return this.#pass('end', parameters)
    if (isHead) {
      // Where a GET would be sent so. How long it would be, nobody has found out.
      this.#setCoding(coding)
      return this.#pass('end', parameters)
    }
    const aborted = new AbortController()
    const encoded = this.#step.compressor.encode(body ?? '', coding, aborted.signal)
    if (!(encoded instanceof Promise)) return this.#sendWhole(encoded, coding, parameters)
    this.#response.once('close', () => aborted.abort())
    this.#hold(encoded, coding, parameters)
    return this.#response
  }

  #hold(
    encoded: Promise<Buffer | undefined>,
    coding: ContentCoding,
    parameters: readonly unknown[],
  ): void {
    const response = this.#response
    const head = new HeldHead(response)
    this.#state = 'held'
    this.#hasBegun = true
    const send = (bytes: Buffer | undefined) => {
      head.release()
      if (response.destroyed || response.headersSent) return
      this.#sendWhole(bytes, coding, parameters)
    }
    // What cannot be compressed is sent as it is; what Node refuses to send ends the connection, as
    // nobody is there any more to be told.
    encoded
      .then(send, () => send(undefined))
      .catch((error: unknown) => response.destroy(error as Error))
  }

  #sendWhole(
    encoded: Buffer | undefined,
    coding: ContentCoding,
    parameters: readonly unknown[],
  ): unknown {
    if (encoded === undefined) return this.#pass('end', parameters)
    const response = this.#response
    this.#setCoding(coding)
    if (!isChunked(response)) response.setHeader('content-length', encoded.length)
    const callback = callbackIn(parameters)
    return this.#pass('end', callback === undefined ? [encoded] : [encoded, callback])
  }

  #beginStream(): void {
    const response = this.#response
    const isHead = this.#request.method === 'HEAD'
    const given = Number(response.getHeader('content-length'))
    // A length that is known beforehand may be below the minimum.
    const coding = this.#plan(Number.isNaN(given) ? undefined : given)
    this.#state = 'plain'
    this.#restoreHeadersSent()
    if (coding === undefined) return
    this.#setCoding(coding)
    if (isHead) return
    this.#state = 'encoding'
    const encoder = this.#step.compressor.createStream(coding)
    this.#encoder = encoder
    encoder.on('data', (chunk: Buffer) => {
      if (this.#call('write', [chunk]) === false) encoder.pause()
    })
    encoder.on('drain', () => response.emit('drain'))
    encoder.on('error', (error) => response.destroy(error))
    encoder.on('end', () => this.#call('end', []))
    response.on('drain', () => encoder.resume())
    response.once('close', () => encoder.destroy())
  }

  /** The coding of the body; sets `Vary`, whichever it is. */
  #plan(byteLength: number | undefined): ContentCoding | undefined {
    const response = this.#response
    const { method = 'GET', headers } = this.#request
    const { coding, vary } = this.#step.plan(
      {
        method,
        status: response.statusCode,
        headers: response.getHeaders(),
        byteLength,
      },
      headers,
    )
    // Sent already, by somebody who kept the server's own functions from before.
    if (this.#areHeadersSent()) return undefined
    if (vary !== undefined) response.setHeader('vary', vary)
    return coding
  }

  #setCoding(coding: ContentCoding): void {
    const response = this.#response
    response.setHeader('content-encoding', coding)
    response.removeHeader('content-length')
    response.removeHeader('accept-ranges')
    const etag = weakened(response.getHeader('etag'))
    if (etag !== undefined) response.setHeader('etag', etag)
  }

  // Of what a GET would send, which Node does not say by itself.
  #setLengthOfHead(body: string | Buffer | undefined): void {
    const response = this.#response
    if (body === undefined || response.headersSent || [204, 304].includes(response.statusCode))
      return
    if (!response.hasHeader('content-length') && !isChunked(response)) {
      response.setHeader('content-length', lengthOf(body))
    }
  }

  #lengthOfHead(body: string | Buffer | undefined): number | undefined {
    if (body !== undefined) return lengthOf(body)
    const given = Number(this.#response.getHeader('content-length'))
    return Number.isNaN(given) ? undefined : given
  }

  #pass(name: 'end', parameters: readonly unknown[]): unknown {
    this.#state = 'plain'
    this.#restoreHeadersSent()
    return this.#call(name, parameters)
  }

  #areHeadersSent(): boolean {
    this.#restoreHeadersSent()
    return this.#response.headersSent
  }

  #restoreHeadersSent(): void {
    Reflect.deleteProperty(this.#response, 'headersSent')
  }

  #call(name: keyof Replaced, parameters: readonly unknown[]): unknown {
    return Reflect.apply(this.#replaced[name], this.#response, parameters)
  }
}

/** Sent in chunks, because the app has said so, or because trailers come behind them. */
function isChunked(response: ServerResponse): boolean {
  return response.hasHeader('trailer') || response.hasHeader('transfer-encoding')
}

function bytesOf(chunk: string | Uint8Array, encoding: unknown): string | Buffer {
  if (typeof chunk === 'string') {
    const isUtf8 = typeof encoding !== 'string' || /^utf-?8$/i.test(encoding)
    return isUtf8 ? chunk : Buffer.from(chunk, encoding as BufferEncoding)
  }
  return Buffer.isBuffer(chunk)
    ? chunk
    : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}

function lengthOf(body: string | Buffer): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.length
}
