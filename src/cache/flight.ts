import { HotpathError, type Clock } from '../core/index.ts'
import type { CoarseTime } from '../memo/index.ts'
import { answerFrom, type Answer, type Held } from './answer.ts'
import type { Call } from './call.ts'
import type { TagIds, TagTable } from './tags.ts'

/** How long a caller waits. */
export type Limits = Pick<Call, 'signal' | 'softTimeoutMs' | 'hardTimeoutMs'>

/** What a {@link Flight} shares with the others of its cache. */
export interface FlightParts {
  readonly table: TagTable
  readonly clock: Clock
  readonly time: CoarseTime
  /** False while other processes cannot be heard. */
  readonly isMemoryBelieved: () => boolean
  readonly onTimeout: () => void
  readonly onAbandon: (flight: Flight) => void
}

/**
 * One load of one key, on behalf of every caller who asked for the key while it ran. Callers leave
 * one by one; the load itself is only given up when nobody is left and nobody wanted it to go on.
 */
export class Flight {
  readonly key: string
  /** The step of the tags at which it began. */
  readonly step: number
  /** Nobody waited when it began: it replaces a value that is still served. */
  readonly isRefresh: boolean
  /** The loader has been called. */
  isLoading = false
  /** What other processes did while it ran may have been missed; Redis would know. */
  isDoubted = false
  readonly #parts: FlightParts
  readonly #outcome = Promise.withResolvers<Answer>()
  /** Of what it loads. */
  #tags: number[] | undefined
  /** Of what it sets out to replace, or has found in Redis. */
  #otherTags: number[] | undefined = undefined
  #held: Omit<Held, 'state'> | undefined = undefined
  #wasOutdatedUnseen = false
  #waiting = 0
  #background = 0
  #isDetached = false
  #isOver = false
  #controller: AbortController | undefined = undefined
  #abandoned: { reason: unknown } | undefined = undefined

  constructor(
    key: string,
    tags: readonly string[] | undefined,
    isRefresh: boolean,
    parts: FlightParts,
  ) {
    this.key = key
    this.step = parts.table.step
    this.isRefresh = isRefresh
    this.#parts = parts
    this.#tags = parts.table.refer(tags)
    parts.table.watch()
    // Those who wait see a failure; when all of them have left, nobody needs to.
    this.#outcome.promise.catch(() => {})
  }

  /** False once its value would be older than a write, an invalidation or an expiry. */
  get isCurrent(): boolean {
    const { table } = this.#parts
    return (
      this.#isKnownCurrent &&
      !table.areChanged(this.#tags, this.step) &&
      !table.areChanged(this.#otherTags, this.step)
    )
  }

  /** Who asks now may wait for it. */
  get isOpen(): boolean {
    return this.isCurrent && !this.isDoubted
  }

  /** Unlike {@link Flight.isCurrent}, true after an expiry: the value is stale then, but of use. */
  get mayBeKept(): boolean {
    const { table } = this.#parts
    return (
      this.#isKnownCurrent &&
      !table.areInvalidated(this.#tags, this.step) &&
      !table.areInvalidated(this.#otherTags, this.step)
    )
  }

  get isAbandoned(): boolean {
    return this.#abandoned !== undefined
  }

  /** What it sets out to replace, if it is still of any use. */
  get held(): Held | undefined {
    if (this.#held === undefined || this.#isDetached) return undefined
    const isBelieved = !this.isDoubted && this.#parts.isMemoryBelieved()
    if (this.#held.tier === 'memory' && !isBelieved) return undefined
    const state = this.#held.entry.stateAt(this.#parts.time.nowMs(), this.#parts.table)
    return state === 'gone' ? undefined : { ...this.#held, state }
  }

  /** The answer where the load brings none. */
  get spare(): Answer | undefined {
    const { held } = this
    return held && answerFrom(held)
  }

  hold({ entry, tier }: Omit<Held, 'state'>): void {
    this.#held = { entry, tier }
    if (entry.tags !== undefined && !this.#isOver) {
      this.#addOther(this.#parts.table.retain(entry.tags))
    }
  }

  /** From now on it is outdated by these tags too. */
  carry(names: readonly string[] | undefined): TagIds | undefined {
    const tags = this.#isOver ? undefined : this.#parts.table.refer(names)
    if (tags !== undefined) this.#addOther(tags)
    return tags
  }

  /**
   * What it loads turns out to carry these tags, beside those that it is known to carry; returns those
   * that are new.
   */
  carryOwn(names: readonly string[], known: readonly string[]): readonly string[] {
    if (this.#isOver) return []
    return this.#parts.table.referNew(names, (this.#tags ??= []), known)
  }

  /** The tags of what it loads, until it ends. */
  get tags(): TagIds | undefined {
    return this.#tags
  }

  /** The key was written meanwhile: the value is for those who already wait, and for no one else. */
  detach(): void {
    this.#isDetached = true
  }

  /** A tag that the value has only now turned out to carry was changed while it was made. */
  outdateUnseen(): void {
    this.#wasOutdatedUnseen = true
  }

  /** False for callers who may have come after a change that nobody knew to concern it. */
  serves(callerStep: number): boolean {
    return !this.#wasOutdatedUnseen || callerStep === this.step
  }

  /** Aborts when the load is given up. Made when it is first asked for: most loads take none. */
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

  land(outcome: Promise<Answer>): void {
    this.#outcome.resolve(outcome)
  }

  /** Its value is kept, if it is; or nobody wants it any more. */
  end(): void {
    if (this.#isOver) return
    const { table } = this.#parts
    this.#isOver = true
    table.release(this.#tags)
    table.release(this.#otherTags)
    table.unwatch()
  }

  /** The value, or what the limits of the call say when they are reached. */
  join({ signal, softTimeoutMs, hardTimeoutMs }: Limits): Promise<Answer> {
    this.#waiting++
    const landed = this.#outcome.promise
    if (signal === undefined && softTimeoutMs === false && hardTimeoutMs === false) return landed

    const { clock, onTimeout } = this.#parts
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const leave = (reason: unknown) => {
      reject(reason)
      stop()
      this.#waiting--
      this.#abandonIfAlone(reason)
    }
    const leaveAborted = () => leave(signal?.reason)
    const beServed = () => {
      const { spare } = this
      // Redis may still have one.
      if (spare === undefined && !this.isLoading) soft = after(softTimeoutMs, beServed)
      if (spare === undefined) return
      onTimeout()
      resolve(spare)
      stop()
      this.#waiting--
      this.goOn(hardTimeoutMs)
    }
    const giveUp = () => {
      onTimeout()
      const { spare } = this
      if (spare !== undefined) resolve(spare)
      leave(timeout(this.key, hardTimeoutMs))
    }
    const after = (delayMs: number | false, run: () => void) =>
      delayMs === false ? undefined : clock.after(delayMs, run)
    let soft = after(softTimeoutMs, beServed)
    const hard = after(hardTimeoutMs, giveUp)
    const stop = () => {
      soft?.cancel()
      hard?.cancel()
      signal?.removeEventListener('abort', leaveAborted)
    }
    signal?.addEventListener('abort', leaveAborted, { once: true })
    void landed.then(resolve, reject).finally(stop)
    return promise
  }

  /** Lets the load go on although nobody may wait for it; for `forMs`, where that is limited. */
  goOn(forMs: number | false): void {
    this.#background++
    if (forMs === false) return
    const timer = this.#parts.clock.after(forMs, () => {
      this.#background--
      this.#abandonIfAlone(timeout(this.key, forMs))
    })
    const cancel = () => timer.cancel()
    this.#outcome.promise.then(cancel, cancel)
  }

  /** The cache is closing: what runs in the background has no purpose any more. */
  close(reason: unknown): void {
    this.detach()
    this.#background = 0
    this.#abandonIfAlone(reason)
  }

  #addOther(tags: TagIds): void {
    this.#otherTags = [...(this.#otherTags ?? []), ...tags]
  }

  get #isKnownCurrent(): boolean {
    return !this.#isDetached && !this.#wasOutdatedUnseen
  }

  #abandonIfAlone(reason: unknown): void {
    if (this.#waiting > 0 || this.#background > 0 || this.#isOver) return
    this.#abandoned = { reason }
    this.detach()
    this.#parts.onAbandon(this)
    // A loader that ignores its signal may never come to an end of its own.
    this.end()
    this.#controller?.abort(reason)
  }
}

function timeout(key: string, afterMs: number | false): HotpathError {
  return new HotpathError(
    'HOTPATH_CACHE_LOAD_TIMEOUT',
    `the load of '${key}' took longer than ${afterMs} ms (hardTimeoutMs); give its source a deadline ` +
      'and the signal of the loader, or set staleIfErrorMs to be served the last value instead',
  )
}
