import { GhostTable } from './ghost-table.ts'
import { SlotQueue, type Links } from './slot-queue.ts'

/** No slot: those in use begin at 1. */
export const absent = 0

/** The state of a slot: its visits since it was last moved, at most 3, and two marks. */
const visitBits = 3
const inMain = 4
const usedInMain = 8

/** The small queue's share of the bounds: the paper's 10 % where nothing speaks against it. */
const leastShare = 0.1
const mostShare = 0.8
/** A visit while in the small queue earns a place in the main one; the paper asks for two. */
const visitsToStay = 1
/** What one useful round in the main queue weighs against one useless stay there. */
const usefulWeight = 3
const firstSlots = 64

/**
 * Which of the entries has to leave, by S3-FIFO (Yang et al., "FIFO queues are all you need for
 * cache eviction", SOSP 2023), with a small queue that adapts.
 *
 * New keys wait in the small queue; those asked for again move to the main one, the others leave
 * early, so that a scan of keys read once never displaces the working set. A key that left too early
 * is recognised by its ghost and goes to the main queue when it comes back.
 *
 * An entry that leaves the main queue without having been asked for there was promoted for nothing:
 * then the small queue grows, and where keys are asked for in short bursts the whole behaves like
 * LRU. Each entry that earned another round in the main queue makes the small one shrink.
 *
 * It knows slots and hashes, and neither keys nor values. A visit is one byte.
 */
export class S3Fifo {
  readonly maxEntries: number
  size = 0
  bytes = 0
  evictions = 0
  readonly #byteLimit: number
  readonly #evict: (slot: number) => void
  readonly #links: Links
  readonly #small: SlotQueue
  readonly #main: SlotQueue
  readonly #ghosts: GhostTable
  #smallShare = leastShare
  #smallBytes = 0
  #states: Uint8Array
  #hashes: Int32Array
  /** Only where bytes count. */
  readonly #bytes: number[] | undefined
  /** The last slot that was freed; the one freed before it is its `newer`. */
  #free = absent
  #used = 0

  /** @param evict - takes what is in a slot, which is about to be freed */
  constructor(maxEntries: number, maxBytes: number | undefined, evict: (slot: number) => void) {
    this.maxEntries = maxEntries
    this.#byteLimit = maxBytes ?? Infinity
    this.#bytes = maxBytes === undefined ? undefined : []
    this.#evict = evict
    const slots = Math.min(maxEntries, firstSlots) + 1
    this.#links = { newer: new Int32Array(slots), older: new Int32Array(slots) }
    this.#small = new SlotQueue(this.#links)
    this.#main = new SlotQueue(this.#links)
    this.#ghosts = new GhostTable(maxEntries)
    this.#states = new Uint8Array(slots)
    this.#hashes = new Int32Array(slots)
  }

  /** Slots that there is room for, the unused 0 among them; grows with use up to the bound. */
  get slots(): number {
    return this.#states.length
  }

  visit(slot: number): void {
    const state = this.#states[slot] as number
    if ((state & visitBits) < visitBits) this.#states[slot] = state + 1
  }

  /**
   * Gives a slot to an entry, after others had to leave it room.
   *
   * @param state - that of the entry whose place it takes, as `remove` returned it
   */
  add(hash: number, bytes: number, state: number | undefined): number {
    while (this.size >= this.maxEntries || this.bytes + bytes > this.#byteLimit) this.#evictOne()
    const slot = this.#takeSlot()
    this.#hashes[slot] = hash
    const initial = state ?? (this.#ghosts.take(hash) ? inMain : 0)
    this.#states[slot] = initial
    const isInMain = (initial & inMain) !== 0
    ;(isInMain ? this.#main : this.#small).push(slot)
    this.size++
    if (this.#bytes !== undefined) {
      this.#bytes[slot] = bytes
      this.bytes += bytes
      if (!isInMain) this.#smallBytes += bytes
    }
    return slot
  }

  /** Frees a slot. */
  remove(slot: number): number {
    const state = this.#states[slot] as number
    const isInMain = (state & inMain) !== 0
    ;(isInMain ? this.#main : this.#small).remove(slot)
    this.size--
    if (this.#bytes !== undefined) {
      const bytes = this.#bytes[slot] as number
      this.bytes -= bytes
      if (!isInMain) this.#smallBytes -= bytes
    }
    this.#links.newer[slot] = this.#free
    this.#free = slot
    return state
  }

  /** What is in a slot counts otherwise now. Where others have to leave for that, it may be among them. */
  resize(slot: number, bytes: number): void {
    if (this.#bytes === undefined) return
    const growth = bytes - (this.#bytes[slot] as number)
    this.#bytes[slot] = bytes
    this.bytes += growth
    if (((this.#states[slot] as number) & inMain) === 0) this.#smallBytes += growth
    while (this.bytes > this.#byteLimit) this.#evictOne()
  }

  clear(): void {
    this.#ghosts.clear()
    this.#smallShare = leastShare
  }

  #evictOne(): void {
    const slot = this.#nextToLeave()
    this.evictions++
    this.#evict(slot)
    this.remove(slot)
  }

  #nextToLeave(): number {
    for (;;) {
      if (this.#isSmallFull()) {
        const slot = this.#small.oldest
        if (((this.#states[slot] as number) & visitBits) < visitsToStay) {
          this.#ghosts.add(this.#hashes[slot] as number)
          return slot
        }
        this.#promote(slot)
      } else {
        const slot = this.#main.oldest
        const state = this.#states[slot] as number
        if ((state & visitBits) === 0) {
          this.#judge(slot, state)
          return slot
        }
        this.#states[slot] = (state - 1) | usedInMain
        this.#main.rotate()
        this.#shareLess()
      }
    }
  }

  #isSmallFull(): boolean {
    const { size } = this.#small
    if (size === 0) return false
    return (
      this.#main.size === 0 ||
      size >= this.#smallShare * this.maxEntries ||
      this.#smallBytes >= this.#smallShare * this.#byteLimit
    )
  }

  #promote(slot: number): void {
    this.#small.remove(slot)
    this.#main.push(slot)
    this.#states[slot] = inMain
    if (this.#bytes !== undefined) this.#smallBytes -= this.#bytes[slot] as number
  }

  #judge(slot: number, state: number): void {
    if ((state & usedInMain) === 0) {
      this.#smallShare = Math.min(mostShare, this.#smallShare + 1 / this.size)
    } else {
      this.#ghosts.add(this.#hashes[slot] as number)
    }
  }

  #shareLess(): void {
    if (this.#smallShare === leastShare) return
    this.#smallShare = Math.max(leastShare, this.#smallShare - usefulWeight / this.size)
  }

  #takeSlot(): number {
    const free = this.#free
    if (free !== absent) {
      this.#free = this.#links.newer[free] as number
      return free
    }
    const slot = ++this.#used
    if (slot === this.slots) this.#grow()
    return slot
  }

  #grow(): void {
    const slots = Math.min(2 * this.slots, this.maxEntries + 1)
    const enlarged = (array: Int32Array): Int32Array => {
      const larger = new Int32Array(slots)
      larger.set(array)
      return larger
    }
    this.#links.newer = enlarged(this.#links.newer)
    this.#links.older = enlarged(this.#links.older)
    this.#hashes = enlarged(this.#hashes)
    const states = new Uint8Array(slots)
    states.set(this.#states)
    this.#states = states
  }
}
