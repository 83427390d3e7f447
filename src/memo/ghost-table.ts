/** Keys that share a set push each other out, oldest first; eight keep that close to one queue. */
const ways = 8
const hashes = 2 ** 32
const none = 0

/**
 * Remembers, by their hashes, about so many of the keys that left last: 4 bytes for each, no text is
 * kept alive, and nothing but two neighbouring cache lines is touched.
 */
export class GhostTable {
  readonly #sets: number
  #cells: Int32Array | undefined = undefined
  /** Of each set, where the next goes: in place of the oldest. */
  #next: Uint8Array | undefined = undefined

  constructor(capacity: number) {
    this.#sets = Math.ceil(capacity / ways)
  }

  add(hash: number): void {
    // Most stores never fill, and need no table.
    this.#cells ??= new Int32Array(this.#sets * ways)
    this.#next ??= new Uint8Array(this.#sets)
    const set = this.#setOf(hash)
    const next = this.#next[set] as number
    this.#cells[set * ways + (next % ways)] = hash
    this.#next[set] = next + 1
  }

  /** True, once, for a key that was remembered. */
  take(hash: number): boolean {
    const cells = this.#cells
    if (cells === undefined || hash === none) return false
    const start = this.#setOf(hash) * ways
    for (let at = start; at < start + ways; at++) {
      if (cells[at] === hash) {
        cells[at] = none
        return true
      }
    }
    return false
  }

  clear(): void {
    this.#cells = undefined
    this.#next = undefined
  }

  #setOf(hash: number): number {
    return Math.floor(((hash >>> 0) / hashes) * this.#sets)
  }
}
