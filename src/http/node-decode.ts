import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { bodyAnswer, describeDecoded, type DecodeStep } from './decode-request.ts'
import { writeAnswer } from './node-answer.ts'
import { RequestBodyError, type RequestDecoder } from './request-decoder.ts'

/**
 * Lets whoever reads a request of `node:http` read its decoded body. False: it has been answered,
 * because nobody could decode it. Where the body turns out to be too large, or broken, while it is
 * read, the client gets the answer that says so, and the reader an error.
 */
export function decodeNode(
  step: DecodeStep,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  // What somebody has read already is his.
  if (request.readableDidRead || request.destroyed) return true
  const plan = step.plan(request.headers)
  if (plan === undefined) return true
  if (plan.refusal !== undefined) {
    writeAnswer(response, request.method ?? 'GET', plan.refusal)
    return false
  }
  describeDecoded(request.headers)
  new NodeDecoding(request, response, plan.decoder).install()
  return true
}

/** What a listener returned; that it failed at a body which has been answered concerns nobody. */
export function withoutRefusedBody(result: unknown): unknown {
  if (!(result instanceof Promise)) return result
  return result.catch((error: unknown) => {
    if (!(error instanceof RequestBodyError)) throw error
  })
}

type Push = (chunk: Buffer | null) => boolean

/**
 * Stands between the parser of `node:http`, which pushes the bytes of the body into the request, and
 * the request, which others read. The request itself stays what it is: middleware has it already, and
 * reads it in every way that a stream can be read.
 */
class NodeDecoding {
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #decoder: RequestDecoder
  /** What still comes is thrown away. */
  #isOver = false
  #failure: Error | undefined

  constructor(request: IncomingMessage, response: ServerResponse, decoder: RequestDecoder) {
    this.#request = request
    this.#response = response
    this.#decoder = decoder
  }

  install(): void {
    const [request, response, decoder] = [this.#request, this.#response, this.#decoder]
    // What came while others (a limit in Redis, a login) were waiting. With the very number of bytes:
    // asked for more, a request that is complete would announce its end.
    const { complete, readableLength, readableHighWaterMark: highWaterMark } = request
    const early = readableLength === 0 ? undefined : (request.read(readableLength) as Buffer)
    // As its own constructor does it: a stream that has been ended takes nothing any more.
    Reflect.apply(Readable, request, [{ highWaterMark }])
    const { push: given, _read: read, _destroy: destroy } = request
    const push: Push = (chunk) => Reflect.apply(given, request, [chunk])
    const readOn = () => void Reflect.apply(read, request, [])
    Object.assign(request, {
      push: (chunk: Buffer | null) => this.#take(chunk),
      _read: () => {
        decoder.resume()
        if (!decoder.writableNeedDrain) readOn()
      },
      _destroy: (error: Error | null, done: (error?: Error | null) => void) => {
        if (error !== null && error === this.#failure) this.#failQuietly(error, done)
        else Reflect.apply(destroy, request, [error, done])
      },
    })
    decoder.on('data', (chunk: Buffer) => {
      if (!push(chunk)) decoder.pause()
    })
    decoder.on('drain', readOn)
    decoder.once('end', () => push(null))
    decoder.on('error', (error) => {
      this.#fail(error)
      readOn()
    })
    request.once('close', () => this.#stop())
    response.once('close', () => {
      // Nobody has read it, and the next request is behind it on the connection.
      if (request.readableDidRead) return
      this.#stop()
      readOn()
    })
    if (early !== undefined) this.#take(early)
    if (complete) this.#take(null)
  }

  #take(chunk: Buffer | null): boolean {
    if (this.#isOver) {
      if (chunk === null && this.#failure !== undefined) this.#request.destroy(this.#failure)
      return true
    }
    if (chunk !== null) return this.#decoder.write(chunk)
    this.#decoder.end()
    return false
  }

  #stop(): void {
    this.#isOver = true
    this.#decoder.destroy()
  }

  #fail(error: Error): void {
    this.#isOver = true
    this.#failure = error
    const [request, response] = [this.#request, this.#response]
    if (!response.headersSent && error instanceof RequestBodyError) {
      writeAnswer(response, request.method ?? 'GET', bodyAnswer(error))
      ignoreWrites(response)
    }
    // Else when the rest has come: body-parser waits for it, and would wait for ever.
    if (request.complete) request.destroy(error)
  }

  // Without the connection, on which the answer is sent. As the server's own errors of a request, it
  // reaches those who listen, and ends no process where nobody does.
  #failQuietly(error: Error, done: (error?: Error | null) => void): void {
    process.nextTick(() => done(this.#request.listenerCount('error') > 0 ? error : null))
  }
}

/**
 * The error handler of the app hears of the error and wants to answer it. It has been answered: what
 * the handler writes must not fail, nor end the connection before the answer is out.
 */
function ignoreWrites(response: ServerResponse): void {
  const self = () => response
  const headers = ['appendHeader', 'flushHeaders', 'removeHeader', 'setHeader', 'setHeaders']
  for (const name of [...headers, 'end', 'writeHead']) Object.assign(response, { [name]: self })
  Object.assign(response, { write: () => true })
  Object.defineProperty(response, 'headersSent', { configurable: true, value: false })
}
