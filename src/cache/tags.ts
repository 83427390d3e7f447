import { none, TagIndex } from './tag-index.ts'

/** What a {@link TagTable} gave to an entry or a running load for its tags. */
export type TagIds = readonly number[]

// Changes that running loads are told of, should they come to carry the tag later.
const maxRecent = 10_000

/**
 * The tags in use. A tag lives as long as something refers to it, so the table is bounded by what
 * the memory tier holds; to invalidate a tag that nothing refers to is to do nothing.
 *
 * Invalidation is O(1) for each tag however many entries carry it: entries remember the step at
 * which their value began to be made, and compare.
 */
export class TagTable {
  /** Counts what makes values outdated: invalidations and expiries here, and writes of keys. */
  step = 0
  readonly #index = new TagIndex()
  // By id. The later of the two steps below: before it, nothing has to be looked into.
  #changedAt = new Float64Array(this.#index.capacity)
  /** The step of the last invalidation. */
  #invalidatedAt = new Float64Array(this.#index.capacity)
  /** The step of the last expiry, and the time of it. */
  #expiredAt = new Float64Array(this.#index.capacity)
  #expiredMs = new Float64Array(this.#index.capacity)
  /** The round of {@link TagTable.referNew} that came across it last. */
  #metIn = new Float64Array(this.#index.capacity)
  #round = 0
  /** By hash, and when. */
  readonly #recent = new Map<number, number>()
  #watchers = 0
  // What was changed up to here is no longer known by name.
  #recentSince = 0

  get size(): number {
    return this.#index.size
  }

  refer(names: readonly string[] | undefined): number[] | undefined {
    if (names === undefined || names.length === 0) return undefined
    return names.map((name) => this.#refer(this.#index.hashOf(name)))
  }

  /**
   * Refers to those names that are not among `ids` yet, and adds theirs.
   *
   * @param carried - the names that `ids` stand for
   * @returns those that are not among these, each once
   */
  referNew(names: readonly string[], ids: number[], carried: readonly string[]): string[] {
    const round = ++this.#round
    for (const id of ids) this.#metIn[id] = round
    const added: string[] = []
    for (const name of names) {
      const hash = this.#index.hashOf(name)
      const known = this.#index.find(hash)
      if (known !== none && this.#metIn[known] === round) {
        // Most often the same name. Another one of the same hash is the same tag here, and not in Redis.
        if (!carried.includes(name) && !added.includes(name)) added.push(name)
        continue
      }
      const id = this.#refer(hash)
      this.#metIn[id] = round
      ids.push(id)
      added.push(name)
    }
    return added
  }

  /** The same ids, for one more that refers to them. */
  retain(ids: TagIds): TagIds {
    for (const id of ids) this.#index.retain(id)
    return ids.slice()
  }

  release(ids: TagIds | undefined): void {
    if (ids === undefined) return
    for (const id of ids) {
      if (!this.#index.release(id)) continue
      this.#changedAt[id] = 0
      this.#invalidatedAt[id] = 0
      this.#expiredAt[id] = 0
    }
  }

  invalidate(names: readonly string[]): void {
    this.#change(names, (id) => {
      this.#invalidatedAt[id] = this.step
    })
  }

  /** Ends the freshness of the tags' values, which then are as stale as if their TTL ended now. */
  expire(names: readonly string[], nowMs: number): void {
    this.#change(names, (id) => {
      this.#expiredAt[id] = this.step
      this.#expiredMs[id] = nowMs
    })
  }

  /** A load begins that may come to carry any tag: changes are remembered until it ends. */
  watch(): void {
    this.#watchers++
  }

  unwatch(): void {
    this.#watchers--
    if (this.#watchers === 0) this.#recent.clear()
  }

  /** For who has watched since `step`: whether one of them was changed after it. In doubt, yes. */
  wereChanged(names: readonly string[], step: number): boolean {
    if (step < this.#recentSince) return names.length > 0
    if (this.#recent.size === 0) return false
    return names.some((name) => (this.#recent.get(this.#index.hashOf(name)) ?? 0) > step)
  }

  /** True when one of the tags was invalidated or expired after `step`. */
  areChanged(ids: TagIds | undefined, step: number): boolean {
    return isOneAfter(ids, this.#changedAt, step)
  }

  /** True when one of the tags was invalidated after `step`. */
  areInvalidated(ids: TagIds | undefined, step: number): boolean {
    return isOneAfter(ids, this.#invalidatedAt, step)
  }

  /** When the first of the tags that expired after `step` did so; Infinity where none has. */
  expiredSinceMs(ids: TagIds | undefined, step: number): number {
    let sinceMs = Infinity
    for (const id of ids ?? []) {
      if ((this.#expiredAt[id] as number) <= step) continue
      sinceMs = Math.min(sinceMs, this.#expiredMs[id] as number)
    }
    return sinceMs
  }

  #refer(hash: number): number {
    const id = this.#index.refer(hash)
    if (id >= this.#changedAt.length) this.#grow()
    return id
  }

  #change(names: readonly string[], change: (id: number) => void): void {
    this.step++
    for (const name of names) {
      const hash = this.#index.hashOf(name)
      const id = this.#index.find(hash)
      if (id !== none) {
        this.#changedAt[id] = this.step
        change(id)
      }
      if (this.#watchers > 0) this.#recent.set(hash, this.step)
    }
    if (this.#recent.size <= maxRecent) return
    this.#recent.clear()
    this.#recentSince = this.step
  }

  #grow(): void {
    const enlarged = (array: Float64Array): Float64Array<ArrayBuffer> => {
      const larger = new Float64Array(this.#index.capacity)
      larger.set(array)
      return larger
    }
    this.#changedAt = enlarged(this.#changedAt)
    this.#invalidatedAt = enlarged(this.#invalidatedAt)
    this.#expiredAt = enlarged(this.#expiredAt)
    this.#expiredMs = enlarged(this.#expiredMs)
    this.#metIn = enlarged(this.#metIn)
  }
}

function isOneAfter(ids: TagIds | undefined, steps: Float64Array, step: number): boolean {
  if (ids === undefined) return false
  for (const id of ids) if ((steps[id] as number) > step) return true
  return false
}
