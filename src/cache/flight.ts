import { isOutdated, type Tag } from './tags.ts'

/**
 * One load of one key, on behalf of every caller who asked for the key while it ran. Callers leave
 * one by one; the load itself is only given up when nobody is left.
 */
export class Flight {
  readonly key: string
  tags: readonly Tag[] | undefined
  /** The step of the tags at which it began. */
  readonly step: number
  /** Callers so far, those who left included. */
  callers = 0
  /** Where the value came from; `undefined` is the loader. Known when the flight has ended. */
  tier: 'redis' | undefined = undefined
  isMissing = false
  #wasOutdatedUnseen = false
  readonly #outcome = Promise.withResolvers<unknown>()
  #waiting = 0
  #isDetached = false
  #controller: AbortController | undefined = undefined
  #abandoned: { reason: unknown } | undefined = undefined
  readonly #onAbandon: (flight: Flight) => void

  constructor(
    key: string,
    tags: readonly Tag[] | undefined,
    step: number,
    onAbandon: (flight: Flight) => void,
  ) {
    this.key = key
    this.tags = tags
    this.step = step
    this.#onAbandon = onAbandon
    // Those who wait see a failure; when all of them have left, nobody needs to.
    this.#outcome.promise.catch(() => {})
  }

  /** False once its value would be older than a write or an invalidation. */
  get isCurrent(): boolean {
    return !this.#isDetached && !isOutdated(this.tags, this.step)
  }

  /** The key was written meanwhile: the value is for those who already wait, and for no one else. */
  detach(): void {
    this.#isDetached = true
  }

  /** A tag that the load has only now come to carry was invalidated while it ran. */
  outdateUnseen(): void {
    this.#wasOutdatedUnseen = true
    this.#isDetached = true
  }

  /** False for callers who may have come after an invalidation that nobody knew to concern it. */
  serves(callerStep: number): boolean {
    return !this.#wasOutdatedUnseen || callerStep === this.step
  }

  /** Aborts when every caller is gone. Made when it is first asked for: most loads take none. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#abandoned !== undefined) this.#controller.abort(this.#abandoned.reason)
    }
    return this.#controller.signal
  }

  throwIfAbandoned(): void {
    if (this.#abandoned !== undefined) throw this.#abandoned.reason
  }

  land(outcome: Promise<unknown>): void {
    this.#outcome.resolve(outcome)
  }

  /** The value, or the signal's reason as soon as it aborts. */
  join(signal: AbortSignal | undefined): Promise<unknown> {
    const { promise } = this.#outcome
    this.callers++
    this.#waiting++
    if (signal === undefined) return promise
    return new Promise((resolve, reject) => {
      const leave = () => {
        reject(signal.reason)
        this.#waiting--
        if (this.#waiting === 0) this.#abandon(signal.reason)
      }
      signal.addEventListener('abort', leave, { once: true })
      const stay = () => signal.removeEventListener('abort', leave)
      void promise.then(resolve, reject).finally(stay)
    })
  }

  #abandon(reason: unknown): void {
    this.#abandoned = { reason }
    this.detach()
    this.#onAbandon(this)
    this.#controller?.abort(reason)
  }
}
