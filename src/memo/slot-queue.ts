/** The neighbours of each slot in the queue that it is in; the queues of a policy share them. */
export interface Links {
  newer: Int32Array
  older: Int32Array
}

const none = 0

/** First in, first out, in a circle through the slots: every step is O(1) and makes nothing. */
export class SlotQueue {
  /** 0 when the queue is empty. */
  oldest: number = none
  size = 0
  readonly #links: Links

  constructor(links: Links) {
    this.#links = links
  }

  push(slot: number): void {
    const { newer, older } = this.#links
    const { oldest } = this
    this.size++
    if (oldest === none) {
      this.oldest = slot
      newer[slot] = slot
      older[slot] = slot
      return
    }
    const newest = older[oldest] as number
    newer[newest] = slot
    older[slot] = newest
    newer[slot] = oldest
    older[oldest] = slot
  }

  remove(slot: number): void {
    const { newer, older } = this.#links
    const next = newer[slot] as number
    const previous = older[slot] as number
    newer[previous] = next
    older[next] = previous
    this.size--
    if (this.oldest === slot) this.oldest = this.size === 0 ? none : next
  }

  /** Makes the newest of the oldest. */
  rotate(): void {
    this.oldest = this.#links.newer[this.oldest] as number
  }
}
