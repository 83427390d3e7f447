import { NumberIndex } from './number-index.ts'
import { absent, S3Fifo } from './s3-fifo.ts'
import { hashOf, type CallKey, type StoreKey } from './store-key.ts'

export { absent } from './s3-fifo.ts'

/** The bounds of a {@link SlotStore}; checked by whoever takes them from a user. */
export interface SlotStoreOptions<Value> {
  maxEntries: number
  /** Bound on the sum of what `set` was told as `bytes`; without it only the number counts. */
  maxBytes?: number | undefined
  /** Called once for each value that leaves: evicted, replaced, deleted or cleared. */
  onLeave?: ((value: Value, key: CallKey) => void) | undefined
}

/**
 * Keys and values within bounds. What belongs to an entry stands in arrays, at the place that its
 * slot says: an object for each would take twice the memory, and a hit would touch it.
 */
export class SlotStore<Value> {
  readonly maxBytes: number | undefined
  readonly #policy: S3Fifo
  readonly #onLeave: ((value: Value, key: CallKey) => void) | undefined
  readonly #slots = new Map<StoreKey, number>()
  readonly #numbers = new NumberIndex()
  #keys: (CallKey | undefined)[]
  #values: (Value | undefined)[]
  /** The last key that was not there. It is about to be sought again and set, and need not be looked up. */
  #missed: CallKey | undefined = undefined

  constructor({ maxEntries, maxBytes, onLeave }: SlotStoreOptions<Value>) {
    this.maxBytes = maxBytes
    this.#onLeave = onLeave
    this.#policy = new S3Fifo(maxEntries, maxBytes, (slot) => this.#empty(slot))
    this.#keys = arrayOf(this.#policy.slots)
    this.#values = arrayOf(this.#policy.slots)
  }

  get size(): number {
    return this.#policy.size
  }

  get bytes(): number {
    return this.#policy.bytes
  }

  get maxEntries(): number {
    return this.#policy.maxEntries
  }

  /** Entries that had to make room for others. */
  get evictions(): number {
    return this.#policy.evictions
  }

  /** Where the value is, or `absent`; counts as a visit. */
  find(key: CallKey): number {
    if (key === this.#missed) return absent
    const slot = this.#slotOf(key)
    if (slot === absent) this.#missed = key
    else this.#policy.visit(slot)
    return slot
  }

  /** The value in a slot that `find` has just returned. */
  at(slot: number): Value {
    return this.#values[slot] as Value
  }

  /**
   * Keeps a value in place of any other with its key.
   *
   * @returns its slot, or `absent` when it is larger than `maxBytes` and not kept
   */
  set(key: CallKey, value: Value, bytes: number): number {
    const former = key === this.#missed ? absent : this.#slotOf(key)
    this.#missed = undefined
    let state: number | undefined = undefined
    if (former !== absent) {
      this.#empty(former)
      state = this.#policy.remove(former)
    }
    if (this.maxBytes !== undefined && bytes > this.maxBytes) return absent

    const slot = this.#policy.add(typeof key === 'object' ? key.hash : hashOf(key), bytes, state)
    if (slot >= this.#keys.length) this.#grow()
    this.#keys[slot] = key
    this.#values[slot] = value
    if (typeof key === 'object') key.slot = slot
    else if (isWhole(key)) this.#numbers.add(key, slot)
    else this.#slots.set(key, slot)
    return slot
  }

  /** What is kept under a key counts as `bytes` from now on; where that is more than the bound, it leaves. */
  resize(key: CallKey, bytes: number): void {
    const slot = this.#slotOf(key)
    if (slot === absent) return
    if (this.maxBytes !== undefined && bytes > this.maxBytes) this.delete(key)
    else this.#policy.resize(slot, bytes)
  }

  /** False when there was nothing to delete. */
  delete(key: CallKey): boolean {
    const slot = this.#slotOf(key)
    if (slot === absent) return false
    this.#empty(slot)
    this.#policy.remove(slot)
    return true
  }

  clear(): void {
    for (const [slot, key] of this.#keys.entries()) {
      if (key === undefined) continue
      this.#empty(slot)
      this.#policy.remove(slot)
    }
    this.#policy.clear()
    this.#missed = undefined
  }

  #slotOf(key: CallKey): number {
    if (typeof key === 'string') return this.#slots.get(key) ?? absent
    if (isWhole(key)) return this.#numbers.get(key)
    return typeof key === 'object' ? key.slot : (this.#slots.get(key) ?? absent)
  }

  #empty(slot: number): void {
    const key = this.#keys[slot] as CallKey
    const value = this.#values[slot] as Value
    this.#keys[slot] = undefined
    this.#values[slot] = undefined
    if (typeof key === 'object') key.slot = absent
    else if (isWhole(key)) this.#numbers.remove(key)
    else this.#slots.delete(key)
    this.#onLeave?.(value, key)
  }

  #grow(): void {
    this.#keys = this.#keys.concat(arrayOf(this.#policy.slots - this.#keys.length))
    this.#values = this.#values.concat(arrayOf(this.#policy.slots - this.#values.length))
  }
}

// -0 is one key with 0 here, as it is in a Map.
function isWhole(key: CallKey): key is number {
  return typeof key === 'number' && (key | 0) === key
}

function arrayOf<Item>(length: number): (Item | undefined)[] {
  return Array.from<undefined>({ length }).fill(undefined)
}
