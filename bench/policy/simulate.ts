import { absent, SlotStore } from '../../src/memo/index.ts'

/** Hits in percent of all accesses of a trace, with room for so many entries. */
export type Simulation = (trace: Int32Array, maxEntries: number) => number

/** What `hotpath/memo` and the memory tier of `hotpath/cache` keep. */
export const ownHits: Simulation = (trace, maxEntries) => {
  const store = new SlotStore<number>({ maxEntries })
  let hits = 0
  for (const key of trace) {
    if (store.find(key) !== absent) hits++
    else store.set(key, key, 0)
  }
  return (100 * hits) / trace.length
}

/** A Map keeps its keys in the order of insertion: the first is the least recently used. */
export const lruHits: Simulation = (trace, maxEntries) => {
  const recent = new Map<number, true>()
  let hits = 0
  for (const key of trace) {
    if (recent.delete(key)) hits++
    else if (recent.size >= maxEntries) recent.delete(recent.keys().next().value ?? -1)
    recent.set(key, true)
  }
  return (100 * hits) / trace.length
}

/** What nobody can reach: whoever is needed last of all leaves (Belady, 1966). */
export const optimalHits: Simulation = (trace, maxEntries) => {
  const next = nextUses(trace)
  const neededAt = new Map<number, number>()
  const latest = new LatestFirst()
  let hits = 0
  for (let at = 0; at < trace.length; at++) {
    const key = trace[at] as number
    const again = next[at] as number
    if (neededAt.has(key)) hits++
    else if (neededAt.size >= maxEntries) {
      // Of those that were needed again since, the heap still has the former time.
      let leaving = latest.take()
      while (neededAt.get(leaving.key) !== leaving.at) leaving = latest.take()
      neededAt.delete(leaving.key)
    }
    neededAt.set(key, again)
    latest.add(key, again)
  }
  return (100 * hits) / trace.length
}

/** For each access the place of the next one to the same key; behind the end where there is none. */
function nextUses(trace: Int32Array): Float64Array {
  const next = new Float64Array(trace.length)
  const seen = new Map<number, number>()
  for (let at = trace.length - 1; at >= 0; at--) {
    const key = trace[at] as number
    // No two alike, so that an entry of the heap is told from a former one of its key.
    next[at] = seen.get(key) ?? trace.length + at
    seen.set(key, at)
  }
  return next
}

/** A heap of keys by the time at which they are needed, the latest first. */
class LatestFirst {
  readonly #keys: number[] = []
  readonly #ats: number[] = []

  add(key: number, at: number): void {
    let place = this.#keys.length
    while (place > 0) {
      const parent = (place - 1) >> 1
      if ((this.#ats[parent] as number) >= at) break
      this.#move(parent, place)
      place = parent
    }
    this.#put(place, key, at)
  }

  take(): { readonly key: number; readonly at: number } {
    const top = { key: this.#keys[0] as number, at: this.#ats[0] as number }
    const key = this.#keys.pop() as number
    const at = this.#ats.pop() as number
    const { length } = this.#keys
    if (length === 0) return top
    let place = 0
    for (;;) {
      let child = 2 * place + 1
      if (child >= length) break
      if (child + 1 < length && (this.#ats[child + 1] as number) > (this.#ats[child] as number)) {
        child++
      }
      if ((this.#ats[child] as number) <= at) break
      this.#move(child, place)
      place = child
    }
    this.#put(place, key, at)
    return top
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#keys[from] as number, this.#ats[from] as number)
  }

  #put(place: number, key: number, at: number): void {
    this.#keys[place] = key
    this.#ats[place] = at
  }
}
