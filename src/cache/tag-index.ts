import { randomInt } from 'node:crypto'

/** No id: those in use begin at 1. */
export const none = 0

/** Of each id three numbers stand side by side, so that a look at it is a look at one cache line. */
const cellSize = 3
const nextAt = 1
const referrersAt = 2

const firstCapacity = 64

/**
 * Gives each name in use a small number, by which everything else is kept in arrays. A page may carry
 * dozens of tags and a cache hundreds of thousands: an object and an entry of a `Map` for each would be
 * most of what a miss costs.
 *
 * Names are known by 32 bits of a hash and not kept. Two names with the same bits are one tag: a change
 * of either is taken for a change of both, which costs a load and is never wrong.
 */
export class TagIndex {
  size = 0
  // Not to be known outside: paths are tags, and whoever could choose names of one hash could make
  // one long chain of them.
  readonly #seed = randomInt(2 ** 31)
  readonly #factor = randomInt(2 ** 31) | 1
  #capacity = firstCapacity
  #cells = new Int32Array(cellSize * firstCapacity)
  /** The first id of each chain. */
  #chains = new Int32Array(firstCapacity)
  /** The last id that was freed; the one freed before it is its next. */
  #free = none
  #used = none

  /** Ids are below it. */
  get capacity(): number {
    return this.#capacity
  }

  hashOf(name: string): number {
    const factor = this.#factor
    let hash = this.#seed
    for (let at = 0; at < name.length; at++) {
      hash = Math.imul(hash ^ name.charCodeAt(at), factor)
      hash ^= hash >>> 15
    }
    return hash
  }

  hashAt(id: number): number {
    return this.#cells[id * cellSize] as number
  }

  find(hash: number): number {
    const cells = this.#cells
    let id = this.#chains[hash & (this.#capacity - 1)] as number
    while (id !== none && cells[id * cellSize] !== hash)
      id = cells[id * cellSize + nextAt] as number
    return id
  }

  /** The id of a hash, given to it where it has none, with one more referrer. */
  refer(hash: number): number {
    const id = this.find(hash) || this.#add(hash)
    this.retain(id)
    return id
  }

  retain(id: number): void {
    const at = id * cellSize + referrersAt
    this.#cells[at] = (this.#cells[at] as number) + 1
  }

  /** One referrer less. True when it was the last: the id is free. */
  release(id: number): boolean {
    const at = id * cellSize + referrersAt
    const referrers = (this.#cells[at] as number) - 1
    this.#cells[at] = referrers
    if (referrers > 0) return false
    this.#remove(id)
    return true
  }

  #add(hash: number): number {
    let id = this.#free
    if (id !== none) this.#free = this.#cells[id * cellSize + nextAt] as number
    else id = ++this.#used
    if (id === this.#capacity) this.#grow()
    this.#cells[id * cellSize] = hash
    this.#link(id, hash)
    this.size++
    return id
  }

  #link(id: number, hash: number): void {
    const chain = hash & (this.#capacity - 1)
    this.#cells[id * cellSize + nextAt] = this.#chains[chain] as number
    this.#chains[chain] = id
  }

  #remove(id: number): void {
    const cells = this.#cells
    const chain = this.hashAt(id) & (this.#capacity - 1)
    const next = cells[id * cellSize + nextAt] as number
    let before = this.#chains[chain] as number
    if (before === id) {
      this.#chains[chain] = next
    } else {
      while (cells[before * cellSize + nextAt] !== id) {
        before = cells[before * cellSize + nextAt] as number
      }
      cells[before * cellSize + nextAt] = next
    }
    cells[id * cellSize + nextAt] = this.#free
    this.#free = id
    this.size--
  }

  // Only when every id is in use: then all of them are linked anew.
  #grow(): void {
    const inUse = this.#capacity
    this.#capacity = 2 * inUse
    const cells = new Int32Array(cellSize * this.#capacity)
    cells.set(this.#cells)
    this.#cells = cells
    this.#chains = new Int32Array(this.#capacity)
    for (let id = 1; id < inUse; id++) this.#link(id, this.hashAt(id))
  }
}
