import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import { bodyTooLarge } from './fetch-error.ts'
import { placeOf, type Target } from './fetch-request.ts'

/** An answer with its whole body. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/**
 * One request on the wire and its answer. It speaks undici's dispatch interface, the lowest that there
 * is: no stream and no signal are made for a body that is kept anyway.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  /** The request was about to be written, or was: the server may have seen it. */
  isSent = false
  readonly #target: Target
  readonly #maxBodyBytes: number
  readonly #answer = Promise.withResolvers<Answer>()
  readonly #chunks: Buffer[] = []
  #byteCount = 0
  #status = 0
  #headers: IncomingHttpHeaders = {}
  #controller: Dispatcher.DispatchController | undefined
  #abortReason: Error | undefined

  constructor(target: Target, maxBodyBytes: number) {
    this.#target = target
    this.#maxBodyBytes = maxBodyBytes
  }

  send(dispatcher: Dispatcher): Promise<Answer> {
    const { url, method, headers, body } = this.#target
    const options: Dispatcher.DispatchOptions = {
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers: headers as Record<string, string>,
      // The time limit is ours, and for the whole of an attempt.
      headersTimeout: 0,
      bodyTimeout: 0,
    }
    if (body !== undefined) options.body = body
    try {
      dispatcher.dispatch(options, this)
    } catch (error) {
      this.#answer.reject(error)
    }
    return this.#answer.promise
  }

  abort(reason: Error): void {
    if (this.#controller === undefined) {
      // It waits for a connection. undici keeps it in its queue; when its turn comes it is refused.
      this.#abortReason = reason
      this.#answer.reject(reason)
    } else {
      this.#controller.abort(reason)
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#abortReason === undefined) this.isSent = true
    else controller.abort(this.#abortReason)
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status < 200) return
    this.#status = status
    this.#headers = headers
    const isEmpty = this.#target.method === 'HEAD' || status === 304
    if (!isEmpty && Number(headers['content-length']) > this.#maxBodyBytes) {
      controller.abort(bodyTooLarge(placeOf(this.#target), this.#maxBodyBytes))
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#byteCount += chunk.length
    if (this.#byteCount > this.#maxBodyBytes) {
      controller.abort(bodyTooLarge(placeOf(this.#target), this.#maxBodyBytes))
    } else {
      this.#chunks.push(chunk)
    }
  }

  onResponseEnd(): void {
    const [first] = this.#chunks
    const body = this.#chunks.length === 1 && first ? first : Buffer.concat(this.#chunks)
    const answer = { status: this.#status, headers: this.#headers, body }
    // undici takes a connection for free one turn of the event loop after this, by an immediate that it
    // sets when this returns. Whoever sent his next request before it would open a second connection.
    queueMicrotask(() => setImmediate(() => this.#answer.resolve(answer)))
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#answer.reject(error)
  }
}
