import { BoundedEntry } from '../memo/index.ts'
import type { TagIds, TagTable } from './tags.ts'

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
  readonly tags: TagIds | undefined
  /** The step of the tags at which the value began to be made. */
  readonly step: number
}

/** What only entries need that are served past their TTL or loaded anew before its end. */
interface Margins {
  readonly freshMs: number
  readonly staleMs: number
  readonly staleIfErrorMs: number
  /** β of XFetch times what the load took. */
  readonly earlyMs: number
  holdMs: number
  isDrawn: boolean
}

/** What this process holds of a key. There are many of them, so most have few fields. */
export class MemoryEntry extends BoundedEntry {
  declare readonly key: string
  readonly value: unknown
  readonly isMissing: boolean
  readonly tags: TagIds | undefined
  readonly step: number
  /** Until then it is fresh without a closer look, as far as time goes. */
  readonly checkMs: number
  readonly #margins: Margins | undefined
  #promise: Promise<unknown> | undefined = undefined

  constructor(key: string, bytes: number, fresh: Fresh, origin: EntryOrigin) {
    super(key, bytes)
    this.value = fresh.value
    this.isMissing = fresh.isMissing
    this.tags = origin.tags
    this.step = origin.step
    this.#margins = marginsOf(fresh, origin)
    this.checkMs = origin.nowMs + fresh.ttlMs - maxEarlyLoads * (this.#margins?.earlyMs ?? 0)
  }

  get freshMs(): number {
    return this.#margins?.freshMs ?? this.checkMs
  }

  /** No refresh is tried before: the last one brought nothing. */
  get holdMs(): number {
    return this.#margins?.holdMs ?? 0
  }

  set holdMs(untilMs: number) {
    if (this.#margins !== undefined) this.#margins.holdMs = untilMs
  }

  /** Of the value; one for all who ask. */
  get promise(): Promise<unknown> {
    return (this.#promise ??= Promise.resolve(this.value))
  }

  stateAt(nowMs: number, table: TagTable): EntryState {
    if (table.areInvalidated(this.tags, this.step)) return 'gone'
    const { freshMs } = this
    const expiredMs = table.expiredSinceMs(this.tags, this.step)
    if (expiredMs === Infinity && nowMs < freshMs) return this.#isDue(nowMs) ? 'due' : 'fresh'
    const staleForMs = nowMs - Math.min(freshMs, expiredMs)
    if (this.#margins === undefined) return 'gone'
    if (staleForMs < this.#margins.staleMs) return 'stale'
    return staleForMs < this.#margins.staleIfErrorMs ? 'spare' : 'gone'
  }

  // Once drawn, it is due to whoever asks next: the first may have been one who cannot load.
  #isDue(nowMs: number): boolean {
    const margins = this.#margins
    if (margins === undefined || nowMs < this.checkMs || nowMs < margins.holdMs) return false
    margins.isDrawn ||= nowMs - margins.earlyMs * Math.log(Math.random()) >= margins.freshMs
    return margins.isDrawn
  }
}

function marginsOf(fresh: Fresh, { nowMs, earlyRefresh }: EntryOrigin): Margins | undefined {
  const { staleMs, staleIfErrorMs, loadMs } = fresh
  const earlyMs = earlyRefresh === false ? 0 : earlyRefresh * loadMs
  if (staleMs === 0 && staleIfErrorMs === 0 && earlyMs === 0) return undefined
  const freshMs = nowMs + fresh.ttlMs
  return { freshMs, staleMs, staleIfErrorMs, earlyMs, holdMs: 0, isDrawn: false }
}
