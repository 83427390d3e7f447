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

  constructor(capacity: number) {
    this.#sets = Math.ceil(capacity / ways)
  }

  add(hash: number): void {
    // Most stores never fill, and need no table.
    this.#cells ??= new Int32Array(this.#sets * ways)
    const cells = this.#cells
    const start = this.#startOf(hash)
    let pushed = hash
    for (let at = start; at < start + ways && pushed !== none; at++) {
      const older = cells[at] as number
      cells[at] = pushed
      pushed = older
    }
  }

  /** True, once, for a key that was remembered. */
  take(hash: number): boolean {
    const cells = this.#cells
    if (cells === undefined || hash === none) return false
    const start = this.#startOf(hash)
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
  }

  #startOf(hash: number): number {
    return Math.floor(((hash >>> 0) / hashes) * this.#sets) * ways
  }
}
