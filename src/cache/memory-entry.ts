import { BoundedEntry } from '../memo/index.ts'
import { areInvalidated, expiredSinceMs, type Tag } from './tags.ts'

/** A value that is about to be kept, and for how long. */
export interface Fresh {
  readonly value: unknown
  /** The value says that there is no such thing: it is `undefined` or `null`. */
  readonly isMissing: boolean
  /** How long it is fresh from now on; negative for one that has been stale for so long. */
  readonly ttlMs: number
  /** How long after that it may be served while it is loaded anew (RFC 5861, stale-while-revalidate). */
  readonly staleMs: number
  /** How long after that it may be served where a load fails (RFC 5861, stale-if-error). */
  readonly staleIfErrorMs: number
  /** What its load took; 0 where nobody knows. */
  readonly loadMs: number
  readonly tags: readonly string[] | undefined
}

/** What may be done with an entry: */
export type EntryState =
  /** it is the answer; */
  | 'fresh'
  /** it is the answer, and this read was drawn to have it loaded anew before it expires; */
  | 'due'
  /** it is the answer, while it is loaded anew; */
  | 'stale'
  /** it is the answer where the load that must be tried does not bring one; */
  | 'spare'
  /** nothing. */
  | 'gone'

/**
 * The draw of XFetch exceeds so many load times for one read in 22,000: before that there is no
 * need to draw.
 */
const maxEarlyLoads = 10

/** What is known of an entry besides its value. */
export interface EntryOrigin {
  readonly nowMs: number
  /** β of XFetch; `false` refreshes nothing before it expires. */
  readonly earlyRefresh: number | false
  readonly tags: readonly Tag[] | undefined
  /** The step of the tags at which the value began to be made. */
  readonly step: number
}

/** What this process holds of a key. */
export class MemoryEntry extends BoundedEntry<MemoryEntry> {
  declare readonly key: string
  readonly value: unknown
  readonly isMissing: boolean
  readonly tags: readonly Tag[] | undefined
  readonly step: number
  /** Until then it is fresh without a closer look, as far as time goes. */
  readonly checkMs: number
  readonly freshMs: number
  /** No refresh is tried before: the last one brought nothing. */
  holdMs: number = -Infinity
  #promise: Promise<unknown> | undefined = undefined
  readonly #staleMs: number
  readonly #staleIfErrorMs: number
  readonly #earlyMs: number
  #isDrawn = false

  constructor(key: string, bytes: number, fresh: Fresh, origin: EntryOrigin) {
    super(key, bytes)
    this.value = fresh.value
    this.isMissing = fresh.isMissing
    this.tags = origin.tags
    this.step = origin.step
    this.freshMs = origin.nowMs + fresh.ttlMs
    this.#staleMs = fresh.staleMs
    this.#staleIfErrorMs = fresh.staleIfErrorMs
    this.#earlyMs = origin.earlyRefresh === false ? 0 : origin.earlyRefresh * fresh.loadMs
    this.checkMs = this.freshMs - maxEarlyLoads * this.#earlyMs
  }

  /** Of the value; one for all who ask. */
  get promise(): Promise<unknown> {
    return (this.#promise ??= Promise.resolve(this.value))
  }

  stateAt(nowMs: number): EntryState {
    if (areInvalidated(this.tags, this.step)) return 'gone'
    const expiredMs = expiredSinceMs(this.tags, this.step)
    if (expiredMs === Infinity && nowMs < this.freshMs) return this.#isDue(nowMs) ? 'due' : 'fresh'
    const staleForMs = nowMs - Math.min(this.freshMs, expiredMs)
    if (staleForMs < this.#staleMs) return 'stale'
    return staleForMs < this.#staleIfErrorMs ? 'spare' : 'gone'
  }

  // Once drawn, it is due to whoever asks next: the first may have been one who cannot load.
  #isDue(nowMs: number): boolean {
    if (nowMs < this.checkMs || nowMs < this.holdMs) return false
    this.#isDrawn ||= nowMs - this.#earlyMs * Math.log(Math.random()) >= this.freshMs
    return this.#isDrawn
  }
}
