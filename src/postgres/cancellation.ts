import type { Clock } from '../core/index.ts'
import { requestCancel, type CancelTarget } from './cancel.ts'

// How long the server may take to let go of what it is doing. After that it is frozen or gone.
const graceMs = 1_000
// The server drops a cancel that arrives before it has begun with the query: then it takes another,
// after this long at first and twice as long each time.
const againMs = 10

/**
 * The cancels of one connection. They are aimed at a query and hit whatever the server is doing when
 * they arrive, so their owner must know when it is safe to send something else.
 */
export class Cancellation {
  readonly #target: CancelTarget
  readonly #clock: Clock
  readonly #onMissed: () => void
  #state: 'none' | 'sending' | 'delivered' = 'none'

  /** @param onMissed - a request was delivered when what it was meant for had ended already */
  constructor(target: CancelTarget, clock: Clock, onMissed: () => void = () => {}) {
    this.#target = target
    this.#clock = clock
    this.#onMissed = onMissed
  }

  /** A request is on its way: it could hit what is sent now. */
  get isSending(): boolean {
    return this.#state === 'sending'
  }

  /** A request can hit what is under way: it is on its way, or delivered and perhaps not yet acted on. */
  get canHit(): boolean {
    return this.#state !== 'none'
  }

  /** All that was under way has landed: what was delivered before can hit nothing any more. */
  landed(): void {
    if (this.#state === 'delivered') this.#state = 'none'
  }

  /**
   * Asks the server, again and again, to cancel what it is doing. Resolves with true when that has
   * ended and the last request was delivered, with false when the server took too long.
   *
   * @param ended - resolves when it has ended, so that it need not be looked at again
   */
  async run(isUnderWay: () => boolean, ended?: Promise<unknown>): Promise<boolean> {
    const grace = new AbortController()
    const timer = this.#clock.after(graceMs, () => grace.abort())
    for (let pauseMs = againMs; isUnderWay() && !grace.signal.aborted; pauseMs *= 2) {
      this.#state = 'sending'
      await requestCancel(this.#target, grace.signal)
      this.#state = 'delivered'
      if (isUnderWay()) await this.#pause(pauseMs, ended, grace.signal)
      else this.#onMissed()
    }
    timer.cancel()
    return !isUnderWay()
  }

  async #pause(
    pauseMs: number,
    ended: Promise<unknown> | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#clock.after(pauseMs, resolve)
    const stop = () => resolve()
    signal.addEventListener('abort', stop, { once: true })
    await (ended === undefined ? promise : Promise.race([promise, ended]))
    signal.removeEventListener('abort', stop)
    timer.cancel()
  }
}
