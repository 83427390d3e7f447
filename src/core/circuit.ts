import type { Clock, Timer } from './clock.ts'
import { HotpathError } from './errors.ts'

/** How a {@link Circuit} watches over Redis. */
export interface CircuitOptions {
  /** Who goes on without Redis, as the message says it: `the cache`. */
  owner: string
  /** What one call may take. */
  timeoutMs: number
  clock: Clock
  /** Asked again and again while the circuit is open; closes it by succeeding in time. */
  probe: () => Promise<void>
  /** Asked in the very step in which it would be closed: is nothing left that is owed? */
  isSettled: () => boolean
  /** Hears of every failure. */
  onTrouble: (operation: string, error: unknown) => void
}

/** A call, as the one who sends it may watch it. */
export interface Attempt {
  /** Nobody waits for it any more: what is not sent yet is not to be sent. */
  readonly isOver: boolean
}

const lookAgainMs = 1
/** How often Redis is probed while it is out of order. */
const probeEveryMs = 250
/** Calls that wait for Redis at once, before a deadline has passed: more are not sent. */
const maxWaiting = 10_000

/**
 * The deadline and the circuit breaker around Redis. The first call that runs out of time, or that
 * Redis did not answer, opens the circuit: from then on nobody waits for Redis, until a probe in
 * the background, on no caller's time, finds it in order again.
 */
export class Circuit {
  errors = 0
  readonly #options: CircuitOptions
  #isOpen = false
  #waiting = 0
  #timer: Timer | undefined = undefined
  #isClosed = false

  constructor(options: CircuitOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** What Redis answers; `undefined` when it does not, does not in time, or is out of order. */
  async run<T>(operation: string, send: (attempt: Attempt) => Promise<T>): Promise<T | undefined> {
    if (this.#isOpen || this.#waiting >= maxWaiting) return undefined
    this.#waiting++
    try {
      return await this.#inTime(operation, send)
    } catch (error) {
      this.errors++
      this.#options.onTrouble(operation, error)
      if (!isReply(error)) this.trip()
      return undefined
    } finally {
      this.#waiting--
    }
  }

  /** Opens the circuit. */
  trip(): void {
    if (this.#isOpen || this.#isClosed) return
    this.#isOpen = true
    this.#probeLater()
  }

  /** Ends the probing. */
  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  #inTime<T>(operation: string, send: (attempt: Attempt) => Promise<T>): Promise<T> {
    const { owner, timeoutMs, clock } = this.#options
    const attempt = { isOver: false }
    return new Promise((resolve, reject) => {
      const fail = () => {
        attempt.isOver = true
        reject(
          new HotpathError(
            'HOTPATH_REDIS_TIMEOUT',
            `Redis did not answer '${operation}' in ${timeoutMs} ms; ${owner} goes on without it ` +
              'and probes it in the background. Look at Redis and the network, or raise redisTimeoutMs',
          ),
        )
      }
      // A loop that was blocked runs its timers before it reads its sockets: the answer may be
      // there already, so look once more after the sockets have been read. Timers take a millisecond
      // at least, which is part of the time that there is.
      let timer = clock.after(timeoutMs - lookAgainMs, () => {
        timer = clock.after(lookAgainMs, fail)
      })
      void send(attempt)
        .then(resolve, reject)
        .finally(() => timer.cancel())
    })
  }

  #probeLater(): void {
    if (this.#isClosed) return
    this.#timer = this.#options.clock.after(probeEveryMs, () => void this.#probe())
  }

  // No deadline here, and never a second probe beside the first: a frozen Redis would otherwise
  // collect them. The one that is under way is answered when Redis wakes up. Where it took longer
  // than a call may, Redis is still slow, or was until now: that is for the next one to say.
  async #probe(): Promise<void> {
    const { clock, timeoutMs, probe, isSettled, onTrouble } = this.#options
    const sentMs = clock.monotonicMs()
    try {
      await probe()
      const isInTime = clock.monotonicMs() - sentMs <= timeoutMs
      if (isInTime && isSettled()) this.#isOpen = false
    } catch (error) {
      this.errors++
      onTrouble('probe', error)
    }
    if (this.#isOpen) this.#probeLater()
  }
}

/**
 * True for an error that Redis itself replied (`WRONGTYPE …`, `OOM …`): it is alive and answers at
 * once, so there is nothing to be protected from. Clients have no error class in common, but every
 * error reply starts with a code in capitals.
 */
export function isReply(error: unknown): boolean {
  return error instanceof Error && /^[A-Z]{2,}\b/.test(error.message)
}
