import type { StoreKey } from './entry-queue.ts'

/**
 * The keys that left the small queue last, without their values.
 *
 * A ring beside a map, because a `Set` that gives up its oldest member for each new one walks over
 * the members it has already given up: 55 µs a step at 100,000 keys.
 */
export class GhostRing {
  readonly #capacity: number
  readonly #ring: StoreKey[] = []
  readonly #slots = new Map<StoreKey, number>()
  #next = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  add(key: StoreKey): void {
    const overwritten = this.#ring[this.#next]
    // The key in this slot may have been taken out, and may have come back in a later slot since.
    if (overwritten !== undefined && this.#slots.get(overwritten) === this.#next) {
      this.#slots.delete(overwritten)
    }
    this.#ring[this.#next] = key
    this.#slots.set(key, this.#next)
    this.#next = (this.#next + 1) % this.#capacity
  }

  /** True, once, for a key that was remembered. */
  take(key: StoreKey): boolean {
    return this.#slots.delete(key)
  }

  clear(): void {
    this.#ring.length = 0
    this.#slots.clear()
    this.#next = 0
  }
}
