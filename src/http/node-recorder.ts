import type { ServerResponse } from 'node:http'
import type { ForwardedRequest } from './forwarded-request.ts'
import { sendableBody } from './answer.ts'
import { callbackIn, done, isChunk, setHeaders } from './node-headers.ts'

// Of requests whose handler is running: where `addTags` finds them.
const forwardedRequests = new WeakMap<ServerResponse, ForwardedRequest>()

/** Tags that a handler has learnt; nothing where the response is not going to be kept. */
export function addNodeTags(response: ServerResponse, tags: readonly string[]): void {
  forwardedRequests.get(response)?.addTags(tags)
}

/** What of a response is replaced while it is recorded, as it was: the server's or middleware's. */
type Replaced = Pick<ServerResponse, 'addTrailers' | 'end' | 'flushHeaders' | 'write' | 'writeHead'>

/**
 * Reads a handler's answer off a response of `node:http` on its way out. A body that is written
 * within one turn of the event loop is one answer: it is held back, judged, and sent as a whole. What
 * takes longer, is piped, flushed or larger than may be kept is a stream: it is passed on at once.
 */
export class ResponseRecorder {
  readonly #response: ServerResponse
  readonly #forwarded: ForwardedRequest
  readonly #maxBodyBytes: number
  readonly #replaced: Replaced
  // `discarding`: the client has the bytes that the handler is still writing, and was told so.
  #state: 'gathering' | 'passing' | 'discarding' = 'gathering'
  #chunks: Buffer[] = []
  #byteLength = 0
  #hasBegun = false
  #endOfTurn: NodeJS.Immediate | undefined

  constructor(response: ServerResponse, forwarded: ForwardedRequest, maxBodyBytes: number) {
    this.#response = response
    this.#forwarded = forwarded
    // What is not going to be kept is not held back.
    this.#maxBodyBytes = forwarded.mayStore ? maxBodyBytes : 0
    const { addTrailers, end, flushHeaders, write, writeHead } = response
    this.#replaced = { addTrailers, end, flushHeaders, write, writeHead }
    forwardedRequests.set(response, forwarded)
    Object.assign(response, {
      addTrailers: (...parameters: unknown[]) => this.#passThrough('addTrailers', parameters),
      end: (...parameters: unknown[]) => this.#end(parameters),
      flushHeaders: (...parameters: unknown[]) => this.#passThrough('flushHeaders', parameters),
      write: (...parameters: unknown[]) => this.#write(parameters),
      writeHead: (...parameters: unknown[]) => this.#writeHead(parameters),
    })
    // An error handler must not begin a second answer where the first has begun.
    Object.defineProperty(response, 'headersSent', {
      configurable: true,
      get: () => this.#hasBegun,
    })
    response.once('pipe', () => this.#pass(null))
  }

  #writeHead(parameters: readonly unknown[]): unknown {
    const [status, second, third] = parameters
    // What Node refuses it refuses itself, at once; and its own `end` comes by here for the head.
    if (this.#state !== 'gathering' || !isStatus(status)) {
      const isIgnored = this.#state === 'discarding' && this.#response.headersSent
      return isIgnored ? this.#response : this.#call('writeHead', parameters)
    }
    this.#hasBegun = true
    this.#response.statusCode = status
    if (typeof second === 'string') this.#response.statusMessage = second
    setHeaders(this.#response, typeof second === 'string' ? third : (second ?? third))
    return this.#response
  }

  #write(parameters: readonly unknown[]): unknown {
    const [chunk, encoding] = parameters
    if (this.#state === 'gathering' && isChunk(chunk)) {
      const bytes = bytesOf(chunk, encoding)
      if (this.#byteLength + bytes.length <= this.#maxBodyBytes) {
        this.#gather(bytes)
        return done(parameters, true)
      }
      this.#pass(Buffer.concat([...this.#chunks, bytes]))
    }
    return this.#state === 'discarding' ? done(parameters, true) : this.#call('write', parameters)
  }

  #end(parameters: readonly unknown[]): unknown {
    const [first, encoding] = parameters
    const chunk = typeof first === 'function' ? undefined : (first ?? undefined)
    if (this.#state === 'discarding') return done(parameters, this.#response)
    if (this.#state === 'passing' || (chunk !== undefined && !isChunk(chunk))) {
      return this.#call('end', parameters)
    }
    const isWhole = this.#chunks.length === 0
    const body = isWhole ? wholeBody(chunk, encoding) : this.#joined(chunk, encoding)
    const callback = callbackIn(parameters)
    const callbacks = callback === undefined ? [] : [callback]
    const replacement = this.#finish(body)
    if (replacement !== undefined) return this.#call('end', [...replacement, ...callbacks])
    return this.#call('end', isWhole ? parameters : [body, ...callbacks])
  }

  #passThrough(name: 'addTrailers' | 'flushHeaders', parameters: readonly unknown[]): unknown {
    this.#pass(null)
    return this.#state === 'discarding' ? undefined : this.#call(name, parameters)
  }

  #gather(bytes: Buffer): void {
    this.#hasBegun = true
    this.#chunks.push(bytes)
    this.#byteLength += bytes.length
    this.#endOfTurn ??= setImmediate(() => this.#pass(null))
  }

  #joined(chunk: string | Uint8Array | undefined, encoding: unknown): Buffer {
    return Buffer.concat(
      chunk === undefined ? this.#chunks : [...this.#chunks, bytesOf(chunk, encoding)],
    )
  }

  /** From here on the answer is sent as it comes. `body` says to the judge why it is not kept. */
  #pass(body: Buffer | null): void {
    if (this.#state !== 'gathering') return
    const chunks = this.#chunks
    const replacement = this.#finish(body)
    if (replacement !== undefined) {
      this.#state = 'discarding'
      this.#call('end', replacement)
    } else {
      for (const chunk of chunks) this.#call('write', [chunk])
    }
  }

  /**
   * Sets the headers that say what has become of the answer.
   *
   * @returns what to end with where it is another answer now: a 304, or what is sent for a failure
   */
  #finish(body: string | Buffer | null): readonly (string | Buffer)[] | undefined {
    const response = this.#response
    this.#state = 'passing'
    this.#hasBegun = true
    this.#chunks = []
    clearImmediate(this.#endOfTurn)
    forwardedRequests.delete(response)
    Reflect.deleteProperty(response, 'headersSent')
    const { headers, isNotModified, instead } = this.#forwarded.finish({
      status: response.statusCode,
      headers: response.getHeaders(),
      body,
    })
    // Sent already: by somebody who kept the server's own functions from before.
    if (response.headersSent) return undefined
    setHeaders(response, headers)
    if (!isNotModified && instead === undefined) return undefined
    response.statusCode = instead?.status ?? 304
    response.statusMessage = ''
    for (const name of bodyHeaders) response.removeHeader(name)
    if (instead === undefined) return []
    setHeaders(response, instead.head)
    const sent = response.req.method === 'HEAD' ? undefined : sendableBody(instead)
    return sent === undefined ? [] : [sent]
  }

  #call(name: keyof Replaced, parameters: readonly unknown[]): unknown {
    return Reflect.apply(this.#replaced[name], this.#response, parameters)
  }
}

/** What describes a body, and goes with it where another is sent or none. */
const bodyHeaders = [
  'content-type',
  'content-length',
  'content-encoding',
  'trailer',
  'transfer-encoding',
]

function isStatus(status: unknown): status is number {
  return Number.isInteger(status) && Number(status) >= 100 && Number(status) <= 999
}

/** A copy: whoever writes may use the memory again when it has been written. */
function bytesOf(chunk: string | Uint8Array, encoding: unknown): Buffer {
  return typeof chunk === 'string' ? Buffer.from(chunk, encodingOf(encoding)) : Buffer.from(chunk)
}

/** A body that was handed over at once, as it is. */
function wholeBody(chunk: string | Uint8Array | undefined, encoding: unknown): string | Buffer {
  if (chunk === undefined) return ''
  if (typeof chunk === 'string' && encodingOf(encoding) === 'utf8') return chunk
  return Buffer.isBuffer(chunk) ? chunk : bytesOf(chunk, encoding)
}

function encodingOf(encoding: unknown): BufferEncoding {
  const isUtf8 = typeof encoding !== 'string' || /^utf-?8$/i.test(encoding)
  return isUtf8 ? 'utf8' : (encoding as BufferEncoding)
}
