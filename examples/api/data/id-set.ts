const pageBits = 2 ** 16

/** The ids of a table that were seen, one bit for each: a few megabytes for the largest dumps. */
export class IdSet {
  readonly #pages = new Map<number, Uint32Array>()

  has(id: number): boolean {
    const word = this.#pages.get(Math.floor(id / pageBits))?.[(id & (pageBits - 1)) >>> 5] ?? 0
    return ((word >>> (id & 31)) & 1) === 1
  }

  /** False where the id was there already. */
  add(id: number): boolean {
    if (this.has(id)) return false
    const number = Math.floor(id / pageBits)
    let page = this.#pages.get(number)
    if (page === undefined) this.#pages.set(number, (page = new Uint32Array(pageBits / 32)))
    const word = (id & (pageBits - 1)) >>> 5
    page[word] = (page[word] ?? 0) | (1 << (id & 31))
    return true
  }
}
