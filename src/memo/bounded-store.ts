import { absent, SlotStore } from './slot-store.ts'
import type { StoreKey } from './store-key.ts'

/** The bounds of a {@link BoundedStore}; checked by whoever takes them from a user. */
export interface BoundedStoreOptions<Entry> {
  maxEntries: number
  /** Bound on the sum of the entries' `bytes`; without it only their number counts. */
  maxBytes?: number | undefined
  /** Called once for each entry that leaves: evicted, replaced, deleted or cleared. */
  onLeave?: ((entry: Entry) => void) | undefined
}

/** A map from keys to entries that never grows past its bounds. */
export interface BoundedStore<Entry> {
  readonly size: number
  /** 0 without `maxBytes`. */
  readonly bytes: number
  readonly maxEntries: number
  readonly maxBytes: number | undefined
  /** Entries that had to make room for others. */
  readonly evictions: number
  /** The entry, if it is there; counts as a visit. */
  get(key: StoreKey): Entry | undefined
  /** Keeps the entry in place of any other with its key. False when it is larger than `maxBytes`. */
  set(entry: Entry): boolean
  /** What a kept entry holds has become larger or smaller: it counts as `bytes` from now on. */
  resize(key: StoreKey, bytes: number): void
  /** False when there was nothing to delete. */
  delete(key: StoreKey): boolean
  clear(): void
}

/** What a {@link BoundedStore} has to know of an entry. Owners extend it with what they store. */
export abstract class BoundedEntry {
  readonly key: StoreKey
  /** What the entry counts towards `maxBytes` from `set` until a `resize`. */
  readonly bytes: number

  constructor(key: StoreKey, bytes: number) {
    this.key = key
    this.bytes = bytes
  }
}

/** Makes a bounded store with the policy of {@link SlotStore}, for entries that say what they are. */
export function createBoundedStore<Entry extends BoundedEntry>(
  options: BoundedStoreOptions<Entry>,
): BoundedStore<Entry> {
  return new EntryStore(options)
}

class EntryStore<Entry extends BoundedEntry> implements BoundedStore<Entry> {
  readonly maxEntries: number
  readonly maxBytes: number | undefined
  readonly #slots: SlotStore<Entry>

  constructor(options: BoundedStoreOptions<Entry>) {
    this.maxEntries = options.maxEntries
    this.maxBytes = options.maxBytes
    this.#slots = new SlotStore<Entry>(options)
  }

  get size(): number {
    return this.#slots.size
  }

  get bytes(): number {
    return this.#slots.bytes
  }

  get evictions(): number {
    return this.#slots.evictions
  }

  get(key: StoreKey): Entry | undefined {
    // Keys come from callers unchecked: a hit has no time for it. An object would pass for a node.
    if (typeof key === 'object') return undefined
    const slot = this.#slots.find(key)
    return slot === absent ? undefined : this.#slots.at(slot)
  }

  set(entry: Entry): boolean {
    return this.#slots.set(entry.key, entry, entry.bytes) !== absent
  }

  resize(key: StoreKey, bytes: number): void {
    this.#slots.resize(key, bytes)
  }

  delete(key: StoreKey): boolean {
    return this.#slots.delete(key)
  }

  clear(): void {
    this.#slots.clear()
  }
}
