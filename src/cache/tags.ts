/** A tag that entries or running loads of this process refer to. */
export interface Tag {
  readonly name: string
  referrers: number
  /** The {@link TagTable.step} of its last invalidation. */
  invalidatedAt: number
  /** The step of its last expiry, and the time of it. */
  expiredAt: number
  expiredMs: number
  /** The later of the two steps: before it, nothing has to be looked into. */
  changedAt: number
}

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
  readonly #tags = new Map<string, Tag>()
  readonly #recent = new Map<string, number>()
  #watchers = 0
  // What was changed up to here is no longer known by name.
  #recentSince = 0

  get size(): number {
    return this.#tags.size
  }

  refer(names: readonly string[] | undefined): readonly Tag[] | undefined {
    if (names === undefined || names.length === 0) return undefined
    return names.map((name) => {
      let tag = this.#tags.get(name)
      if (tag === undefined) {
        const never = { invalidatedAt: 0, expiredAt: 0, expiredMs: 0, changedAt: 0 }
        tag = { name, referrers: 0, ...never }
        this.#tags.set(name, tag)
      }
      tag.referrers++
      return tag
    })
  }

  release(tags: readonly Tag[] | undefined): void {
    if (tags === undefined) return
    for (const tag of tags) {
      tag.referrers--
      if (tag.referrers === 0) this.#tags.delete(tag.name)
    }
  }

  invalidate(names: readonly string[]): void {
    this.#change(names, (tag) => {
      tag.invalidatedAt = this.step
    })
  }

  /** Ends the freshness of the tags' values, which then are as stale as if their TTL ended now. */
  expire(names: readonly string[], nowMs: number): void {
    this.#change(names, (tag) => {
      tag.expiredAt = this.step
      tag.expiredMs = nowMs
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

  /** For who has watched since `step`. In doubt, yes. */
  wasChanged(name: string, step: number): boolean {
    return step < this.#recentSince || (this.#recent.get(name) ?? 0) > step
  }

  #change(names: readonly string[], change: (tag: Tag) => void): void {
    this.step++
    for (const name of names) {
      const tag = this.#tags.get(name)
      if (tag !== undefined) {
        tag.changedAt = this.step
        change(tag)
      }
      if (this.#watchers > 0) this.#recent.set(name, this.step)
    }
    if (this.#recent.size <= maxRecent) return
    this.#recent.clear()
    this.#recentSince = this.step
  }
}

/** True when one of the tags was invalidated or expired after `step`. */
export function areChanged(tags: readonly Tag[] | undefined, step: number): boolean {
  if (tags === undefined) return false
  for (const tag of tags) if (tag.changedAt > step) return true
  return false
}

/** True when one of the tags was invalidated after `step`. */
export function areInvalidated(tags: readonly Tag[] | undefined, step: number): boolean {
  return tags !== undefined && tags.some((tag) => tag.invalidatedAt > step)
}

/** When the first of the tags that expired after `step` did so; Infinity where none has. */
export function expiredSinceMs(tags: readonly Tag[] | undefined, step: number): number {
  let sinceMs = Infinity
  for (const tag of tags ?? []) {
    if (tag.expiredAt > step) sinceMs = Math.min(sinceMs, tag.expiredMs)
  }
  return sinceMs
}
