/**
 * Values by their place in an order, of which only those from a first place on are kept. An array that
 * is written over and over, and no Map: its old tables would keep what it held, see `Aborts`.
 */
export class Ring<T> {
  /** How many values are there. */
  size = 0
  #slots: (T | undefined)[] = Array.from({ length: 16 })
  #first = 0

  /** @param place not before the first one */
  set(place: number, value: T): void {
    while (place - this.#first >= this.#slots.length) this.#grow()
    this.#slots[place % this.#slots.length] = value
    this.size++
  }

  /** The value at the first place, if it is there. */
  get first(): T | undefined {
    return this.#slots[this.#first % this.#slots.length]
  }

  /** Moves on to the next place. */
  shift(): void {
    this.#slots[this.#first++ % this.#slots.length] = undefined
    this.size--
  }

  clear(): void {
    this.#slots.fill(undefined)
    this.size = 0
  }

  #grow(): void {
    const before = this.#slots
    this.#slots = Array.from({ length: 2 * before.length })
    for (let place = this.#first; place < this.#first + before.length; place++) {
      this.#slots[place % this.#slots.length] = before[place % before.length]
    }
  }
}
