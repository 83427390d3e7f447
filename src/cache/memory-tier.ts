import {
  approximateBytes,
  createBoundedStore,
  type BoundedStore,
  type CoarseTime,
} from '../memo/index.ts'
import type { Held } from './answer.ts'
import { MemoryEntry, type Fresh } from './memory-entry.ts'
import type { ResolvedMemoryOptions } from './resolved-options.ts'
import type { MemoryStats } from './stats.ts'
import type { TagIds, TagTable } from './tags.ts'

export type { Fresh } from './memory-entry.ts'

/** What a {@link MemoryTier} shares with the cache it belongs to. */
export interface MemoryTierParts {
  readonly tags: TagTable
  readonly time: CoarseTime
  readonly earlyRefresh: number | false
}

/** Values by reference, in this process, within bounds. */
export class MemoryTier {
  readonly #store: BoundedStore<MemoryEntry>
  readonly #parts: MemoryTierParts

  constructor(options: ResolvedMemoryOptions, parts: MemoryTierParts) {
    this.#store = createBoundedStore<MemoryEntry>({
      maxEntries: options.maxEntries,
      maxBytes: options.maxBytes,
      onLeave: (entry) => parts.tags.release(entry.tags),
    })
    this.#parts = parts
  }

  get stats(): Omit<MemoryStats, 'hits'> {
    const { size, maxEntries, bytes, maxBytes, evictions } = this.#store
    return { entries: size, maxEntries, bytes, maxBytes, evictions }
  }

  /** The entry where it is plainly fresh: one lookup, one look at the time and one at each tag. */
  read(key: string): MemoryEntry | undefined {
    const entry = this.#store.get(key)
    if (entry === undefined) return undefined
    const { tags, time } = this.#parts
    const isFresh = time.nowMs() < entry.checkMs && !tags.areChanged(entry.tags, entry.step)
    return isFresh ? entry : undefined
  }

  /** Whatever can still be of use. What cannot leaves. */
  find(key: string): Held | undefined {
    const entry = this.#store.get(key)
    if (entry === undefined) return undefined
    const state = entry.stateAt(this.#parts.time.nowMs(), this.#parts.tags)
    if (state !== 'gone') return { entry, tier: 'memory', state }
    this.#store.delete(key)
    return undefined
  }

  /**
   * Keeps a value that began to be made at `step`; `undefined` where it is larger than the bound.
   *
   * @param known - the ids of its tags, from somebody who refers to them
   */
  write(key: string, fresh: Fresh, step: number, known?: TagIds): MemoryEntry | undefined {
    const { tags: table, time, earlyRefresh } = this.#parts
    const bytes = this.#store.maxBytes === undefined ? 0 : bytesOf(key, fresh.value)
    const tags = known === undefined ? table.refer(fresh.tags) : table.retain(known)
    const origin = { nowMs: time.nowMs(), earlyRefresh, tags, step }
    const entry = new MemoryEntry(key, bytes, fresh, origin)
    if (this.#store.set(entry)) return entry
    table.release(tags)
    return undefined
  }

  /** The value of a key, if it is still this one, has grown since it was kept. */
  remeasure(key: string, value: unknown): void {
    if (this.#store.maxBytes === undefined || this.#store.get(key)?.value !== value) return
    this.#store.resize(key, bytesOf(key, value))
  }

  delete(key: string): void {
    this.#store.delete(key)
  }

  clear(): void {
    this.#store.clear()
  }
}

function bytesOf(key: string, value: unknown): number {
  return approximateBytes(key) + approximateBytes(value)
}
