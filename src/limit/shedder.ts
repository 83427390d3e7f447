import { eventChannel, register, type Timer } from '../core/index.ts'
import { AdaptiveLimit } from './adaptive-limit.ts'
import { MedianWindow } from './median-window.ts'
import { Pace } from './pace.ts'
import {
  resolveShedderOptions,
  type Priority,
  type ResolvedShedderOptions,
  type ShedderOptions,
} from './shedder-options.ts'

/** How a request ended; only the latency of one that has completed is measured. */
export type Outcome = 'completed' | 'failed' | 'aborted'

/** The right to work on a request. */
export interface Permit {
  readonly isAdmitted: true
  /**
   * Gives it back: when the request has been answered, or has come to nothing. Only the first call
   * counts.
   *
   * @defaultValue 'completed'
   */
  release(outcome?: Outcome): void
}

/** There is no room for a request of this class. */
export interface Refusal {
  readonly isAdmitted: false
  /** When the client may come again, in milliseconds; each is told something else. */
  readonly retryAfterMs: number
}

/** What a shedder has seen so far. */
export interface ShedderStats {
  readonly inFlight: number
  readonly limit: number
  readonly admitted: Readonly<Record<Priority, number>>
  readonly refused: Readonly<Record<Priority, number>>
  readonly ended: Readonly<Record<Outcome, number>>
  /** The median latency of the last window in which a request has completed. */
  readonly latencyMs: number | undefined
  /** The median lateness of the event loop in the last window. */
  readonly delayMs: number | undefined
}

/** Lets in as many requests as the process can serve in time, and refuses the others at once. */
export interface Shedder {
  readonly name: string
  /**
   * Decides about a request, at once. A class that it does not know is 'normal'.
   *
   * @defaultValue 'normal'
   */
  admit(priority?: Priority): Permit | Refusal
  stats(): ShedderStats
  /** From now on every request is admitted. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Makes a shedder.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import { createShedder } from 'hotpath/limit'
 *
 * const shedder = createShedder({ name: 'api' })
 * const admission = shedder.admit('background')
 * if (admission.isAdmitted) {
 *   try {
 *     await rebuildReport()
 *   } finally {
 *     admission.release()
 *   }
 * } else {
 *   console.log(`busy; again in ${admission.retryAfterMs} ms`)
 * }
 * ```
 */
export function createShedder(options: ShedderOptions = {}): Shedder {
  return new AdaptiveShedder(resolveShedderOptions(options))
}

/** How often the lateness of the event loop is looked at, while there are requests. */
const sampleEveryMs = 5
/** After so long, at the earliest, the limit is adjusted. */
const windowMs = 100
/** A class that has filled so much of its share needs a higher limit, if there can be one. */
const fullRatio = 0.8
/** Up to so much of its share a class is let in as it comes, also where it is tight. */
const unpacedRatio = 0.5
/** Whose pace a class counts in; the reserve of the critical ones is there to be used at once. */
const heldBackBy: Readonly<Record<Priority, readonly Exclude<Priority, 'critical'>[]>> = {
  critical: ['normal', 'background'],
  normal: ['normal', 'background'],
  background: ['background'],
}

const shedChannel = eventChannel('hotpath:limit:shed')

class AdaptiveShedder implements Shedder {
  readonly name: string
  readonly #options: ResolvedShedderOptions
  readonly #limit: AdaptiveLimit
  readonly #paces = { normal: new Pace(), background: new Pace() }
  readonly #delays = new MedianWindow()
  readonly #latencies = new MedianWindow()
  readonly #admitted: Record<Priority, number> = { critical: 0, normal: 0, background: 0 }
  readonly #refused: Record<Priority, number> = { critical: 0, normal: 0, background: 0 }
  readonly #ended: Record<Outcome, number> = { completed: 0, failed: 0, aborted: 0 }
  readonly #unregister: () => void
  #inFlight = 0
  #isClosed = false
  #sampling: Timer | undefined = undefined
  #sampleDueMs = 0
  #windowStartMs = 0
  #windowEndMs = 0
  #peakUse = 0
  #wasFull = false
  #latencyMs: number | undefined = undefined
  #delayMs: number | undefined = undefined

  constructor(options: ResolvedShedderOptions) {
    this.name = options.name
    this.#options = options
    this.#limit = new AdaptiveLimit(options)
    this.#unregister = register('shedder', options.name, () => this.stats())
  }

  admit(asked: Priority = 'normal'): Permit | Refusal {
    // Whoever takes it from a header gets anything: a word that nobody knows must not be counted.
    const priority = asked === 'critical' || asked === 'background' ? asked : 'normal'
    const nowMs = this.#options.clock.monotonicMs()
    const share = this.#options.shares[priority]
    const room = this.#limit.current * share
    if (this.#inFlight + 1 >= room * fullRatio) this.#wasFull = true
    if (!this.#lets(priority, room, nowMs) && !this.#isClosed) return this.#refuse(priority)
    this.#inFlight++
    this.#admitted[priority]++
    this.#peakUse = Math.max(this.#peakUse, this.#inFlight / share)
    if (this.#sampling === undefined) this.#wake(nowMs)
    return new HeldPermit(this, nowMs)
  }

  /** Called by a permit, once. */
  release(admittedMs: number, outcome: Outcome): void {
    this.#inFlight--
    this.#ended[outcome]++
    // One that was let in under an earlier limit says nothing about the present one.
    if (outcome === 'completed' && admittedMs >= this.#windowStartMs) {
      this.#latencies.add(this.#options.clock.monotonicMs() - admittedMs)
    }
  }

  stats(): ShedderStats {
    return {
      inFlight: this.#inFlight,
      limit: Math.floor(this.#limit.current),
      admitted: { ...this.#admitted },
      refused: { ...this.#refused },
      ended: { ...this.#ended },
      latencyMs: this.#latencyMs,
      delayMs: this.#delayMs,
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#sampling?.cancel()
    this.#unregister()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #lets(priority: Priority, room: number, nowMs: number): boolean {
    if (this.#inFlight >= room) return false
    // A burst that the process can serve must not be refused for being one.
    const latencyMs = this.#latencyMs
    if (!this.#limit.isTight || latencyMs === undefined) return true
    const isPaced = priority !== 'critical' && this.#inFlight > room * unpacedRatio
    if (isPaced && !this.#paces[priority].lets(nowMs, room, latencyMs)) {
      this.#wasFull = true
      return false
    }
    for (const held of heldBackBy[priority]) {
      this.#paces[held].count(nowMs, this.#limit.current * this.#options.shares[held], latencyMs)
    }
    return true
  }

  #refuse(priority: Priority): Refusal {
    this.#refused[priority]++
    const retryAfterMs = this.#options.retryAfterMs * (1 + 2 * Math.random())
    if (shedChannel.hasSubscribers) {
      const limit = Math.floor(this.#limit.current)
      shedChannel.publish({ shedder: this.name, priority, inFlight: this.#inFlight, limit })
    }
    return { isAdmitted: false, retryAfterMs }
  }

  // Nothing was under way, so no window was open either.
  #wake(nowMs: number): void {
    if (nowMs >= this.#windowEndMs) this.#windowEndMs = nowMs + windowMs
    this.#sampleLater(nowMs)
  }

  // A timer that is late is what everything else is that is ready to run: a request whose bytes wait
  // in the socket, a query whose rows are there.
  #sampleLater(nowMs: number): void {
    if (this.#isClosed) return
    this.#sampleDueMs = nowMs + sampleEveryMs
    this.#sampling = this.#options.clock.after(sampleEveryMs, () => this.#sample())
  }

  #sample(): void {
    const nowMs = this.#options.clock.monotonicMs()
    this.#delays.add(Math.max(0, nowMs - this.#sampleDueMs))
    this.#sampling = undefined
    if (nowMs >= this.#windowEndMs) this.#endWindow(nowMs)
    if (this.#inFlight > 0) this.#sampleLater(nowMs)
  }

  #endWindow(nowMs: number): void {
    const delayMs = this.#delays.take() ?? 0
    this.#delayMs = delayMs
    this.#windowEndMs = nowMs + windowMs
    // Nothing is late, and nothing that was let in has come to its end: too early to judge.
    if (delayMs <= this.#options.targetDelayMs && this.#latencies.count === 0) return
    const latencyMs = this.#latencies.take()
    this.#latencyMs = latencyMs ?? this.#latencyMs
    this.#limit.adjust({ delayMs, latencyMs, peakUse: this.#peakUse, wasFull: this.#wasFull })
    this.#windowStartMs = nowMs
    this.#peakUse = 0
    this.#wasFull = false
  }
}

class HeldPermit implements Permit {
  readonly isAdmitted = true
  readonly #admittedMs: number
  #shedder: AdaptiveShedder | undefined

  constructor(shedder: AdaptiveShedder, admittedMs: number) {
    this.#shedder = shedder
    this.#admittedMs = admittedMs
  }

  release(outcome: Outcome = 'completed'): void {
    const shedder = this.#shedder
    this.#shedder = undefined
    shedder?.release(this.#admittedMs, outcome)
  }
}
