import type { Dispatcher } from 'undici'
import type { Clock } from '../core/index.ts'
import type { Aborts, Stoppable } from './aborts.ts'
import { checkLiteralAddress } from './address-guard.ts'
import { exchangeBegins, exchangeEnded } from './agents.ts'
import { Exchange, type Answer } from './exchange.ts'
import {
  connectionFailed,
  FetchError,
  redirectInvalid,
  requestInvalid,
  timedOut,
} from './fetch-error.ts'
import { placeOf, type Target } from './fetch-request.ts'
import { redirected } from './redirect.ts'

/** What all attempts of a run have in common. */
export interface AttemptOptions {
  readonly dispatcher: Dispatcher
  readonly clock: Clock
  readonly timeoutMs: number | false
  readonly maxBodyBytes: number
  readonly maxRedirects: number | false
  readonly publicAddressesOnly: boolean
  readonly aborts: Aborts
}

/** One attempt to get an answer: a request and what it is redirected to, within one time limit. */
export class Attempt implements Stoppable {
  abortPlace = -1
  /** The server may have seen the first request. */
  isSent = false
  readonly #target: Target
  readonly #options: AttemptOptions
  #exchange: Exchange | undefined
  #abortReason: Error | undefined

  constructor(target: Target, options: AttemptOptions) {
    this.#target = target
    this.#options = options
  }

  /** @throws FetchError, or what it was aborted with */
  async run(): Promise<Answer> {
    const { aborts, clock, timeoutMs } = this.#options
    aborts.throwIfAborted()
    aborts.add(this)
    const timer =
      timeoutMs === false
        ? undefined
        : clock.after(timeoutMs, () => this.abort(timedOut(placeOf(this.#target), timeoutMs)))
    try {
      return await this.#follow()
    } finally {
      timer?.cancel()
      aborts.delete(this)
    }
  }

  abort(reason: Error): void {
    this.#abortReason ??= reason
    this.#exchange?.abort(reason)
  }

  async #follow(): Promise<Answer> {
    const { maxRedirects } = this.#options
    let target = this.#target
    for (let redirects = 0; ; redirects++) {
      const answer = await this.#exchangeWith(target)
      if (maxRedirects === false) return answer
      const next = redirected(target, answer)
      if (next === undefined) return answer
      if (redirects === maxRedirects)
        throw tooManyRedirects(this.#target, maxRedirects, answer.status)
      target = next
    }
  }

  async #exchangeWith(target: Target): Promise<Answer> {
    const { dispatcher, maxBodyBytes, publicAddressesOnly } = this.#options
    if (publicAddressesOnly) checkLiteralAddress(target.url.hostname)
    const exchange = new Exchange(target, maxBodyBytes)
    this.#exchange = exchange
    exchangeBegins()
    try {
      return await exchange.send(dispatcher)
    } catch (error) {
      throw this.#explain(error, target, exchange.isSent)
    } finally {
      exchangeEnded()
      this.isSent ||= exchange.isSent
    }
  }

  #explain(error: unknown, target: Target, isSent: boolean): unknown {
    if (this.#abortReason !== undefined) return this.#abortReason
    if (error instanceof FetchError) return error
    const { code } = error as { code?: unknown }
    if (typeof code === 'string' && refusedByUndici.has(code)) {
      return requestInvalid(`The request to ${placeOf(target)}: ${(error as Error).message}`, error)
    }
    return connectionFailed(placeOf(target), isSent, error)
  }
}

// Before anything is sent, and for what is wrong with the request.
const refusedByUndici = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
])

function tooManyRedirects(target: Target, maxRedirects: number, status: number): FetchError {
  return redirectInvalid(
    placeOf(target),
    `it was redirected more than ${maxRedirects} times; most often that is a loop`,
    status,
  )
}
