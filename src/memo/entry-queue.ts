/** What entries are found by: values that a `Map` tells apart, `1` from `'1'` too. */
export type StoreKey = string | number | bigint | boolean

/**
 * What a {@link BoundedStore} keeps in an entry for itself. Owners extend it with what they store,
 * so that an entry is one object and a hit touches nothing else.
 */
export abstract class BoundedEntry<Self extends BoundedEntry<Self>> {
  readonly key: StoreKey
  /** What the entry counts towards `maxBytes`; fixed while the store holds it. */
  readonly bytes: number
  /** Hits since the entry was last moved, at most 3: all that the policy needs to know. */
  visits = 0
  isInMain = false
  older: Self | undefined = undefined
  newer: Self | undefined = undefined

  constructor(key: StoreKey, bytes: number) {
    this.key = key
    this.bytes = bytes
  }
}

/** First in, first out, linked through the entries themselves: every step is O(1). */
export class EntryQueue<Entry extends BoundedEntry<Entry>> {
  oldest: Entry | undefined = undefined
  size = 0
  bytes = 0
  #newest: Entry | undefined = undefined

  push(entry: Entry): void {
    entry.older = this.#newest
    entry.newer = undefined
    if (this.#newest === undefined) this.oldest = entry
    else this.#newest.newer = entry
    this.#newest = entry
    this.size++
    this.bytes += entry.bytes
  }

  remove(entry: Entry): void {
    if (entry.older === undefined) this.oldest = entry.newer
    else entry.older.newer = entry.newer
    if (entry.newer === undefined) this.#newest = entry.older
    else entry.newer.older = entry.older
    entry.older = undefined
    entry.newer = undefined
    this.size--
    this.bytes -= entry.bytes
  }
}
