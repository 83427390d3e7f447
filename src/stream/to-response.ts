import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { knownOptions, type Sink } from '../core/index.ts'
import { sinkFailed } from './errors.ts'
import { oneOf } from './lines-options.ts'
import { jsonOf } from './to-file.ts'

/** How {@link toResponse} writes. */
export interface ResponseSinkOptions {
  /**
   * `ndjson` writes each row as a line of JSON (`application/x-ndjson`), `json` all of them as one
   * array (`application/json`).
   *
   * @defaultValue 'ndjson'
   */
  as?: 'ndjson' | 'json' | undefined
}

/**
 * A sink that answers a request with rows as they come, no faster than the client reads. When the
 * client goes away, the pipeline ends and its source is closed. When the pipeline fails in the
 * middle, the connection is cut, so that nobody takes half an answer for a whole one; when it fails
 * before the first row, nothing was sent, and the handler may still answer with an error.
 *
 * The content type is set with the first row, unless the handler has set one.
 *
 * @param response of `node:http` (Express has the same one, Fastify has it in `reply.raw`)
 *
 * @example
 * ```ts
 * createServer(async (_request, response) => {
 *   await from(pool.copyFrom('users')).to(toResponse(response, { as: 'json' }))
 * })
 * ```
 */
export function toResponse(
  response: ServerResponse,
  options: ResponseSinkOptions = {},
): Sink<unknown> & { readonly signal: AbortSignal } {
  knownOptions('toResponse', options, ['as'])
  return new ResponseSink(response, oneOf('as', ['ndjson', 'json'], options.as ?? 'ndjson'))
}

class ResponseSink implements Sink<unknown> {
  readonly #response: ServerResponse
  readonly #isArray: boolean
  readonly #gone = new AbortController()
  readonly #onClose: () => void
  #hasBegun = false

  constructor(response: ServerResponse, as: 'ndjson' | 'json') {
    this.#response = response
    this.#isArray = as === 'json'
    this.#onClose = () => this.#gone.abort(clientGone())
    if (response.closed || response.destroyed) this.#onClose()
    else response.once('close', this.#onClose)
  }

  /** Aborted when the client goes away. */
  get signal(): AbortSignal {
    return this.#gone.signal
  }

  async write(rows: readonly unknown[]): Promise<void> {
    this.#throwIfOver()
    if (rows.length === 0) return
    const texts = rows.map(jsonOf)
    const before = this.#begin()
    const text = this.#isArray ? before + texts.join(',') : `${texts.join('\n')}\n`
    if (!this.#response.write(text)) await this.#until('drain')
  }

  async close(): Promise<void> {
    this.#throwIfOver()
    const before = this.#hasBegun ? '' : this.#begin()
    this.#response.end(this.#isArray ? `${before}]` : '')
    if (!this.#response.writableFinished) await this.#until('finish')
    this.#response.off('close', this.#onClose)
  }

  async abort(): Promise<void> {
    this.#response.off('close', this.#onClose)
    // Rows may be on their way although no head was sent: a compressor holds it back.
    const isHalf = this.#hasBegun || this.#response.headersSent
    if (isHalf && !this.#response.writableEnded) this.#response.destroy()
  }

  #throwIfOver(): void {
    this.signal.throwIfAborted()
    // A time limit of the app, for instance. What is written behind that goes nowhere.
    if (this.#response.writableEnded) {
      throw sinkFailed('the response', new Error('somebody else has ended it'))
    }
  }

  /** @returns what stands before the next row */
  #begin(): string {
    if (this.#hasBegun) return ','
    this.#hasBegun = true
    if (!this.#response.headersSent && !this.#response.hasHeader('content-type')) {
      const type = this.#isArray ? 'application/json' : 'application/x-ndjson'
      this.#response.setHeader('content-type', type)
    }
    return '['
  }

  async #until(event: 'drain' | 'finish'): Promise<void> {
    await once(this.#response, event, { signal: this.signal }).catch((error: unknown) => {
      throw this.signal.aborted ? this.signal.reason : sinkFailed('the response', error)
    })
  }
}

function clientGone() {
  return sinkFailed('the response', new Error('the client has closed the connection'))
}
