/** What a pool had to do in a while. */
export interface WorkloadSlice {
  lengthMs: number
  /** Queries and borrowers that came, and those of them that had to wait for a connection. */
  arrived: number
  waited: number
  /** Queries that were answered and clients that were given back. */
  served: number
  /** Milliseconds that connections were busy, added up over all of them. */
  busyMs: number
}

const sliceMs = 30_000
const maxSlices = 10

/** What a pool had to do in the last five minutes, in slices of half a minute. */
export class Workload {
  readonly #past: WorkloadSlice[] = []
  #slice: WorkloadSlice = emptySlice()
  #busy = 0
  #atMs: number

  constructor(nowMs: number) {
    this.#atMs = nowMs
  }

  arrived(hasToWait: boolean): void {
    this.#slice.arrived++
    if (hasToWait) this.#slice.waited++
  }

  served(): void {
    this.#slice.served++
  }

  /** One connection more is busy. */
  begun(nowMs: number): void {
    this.#moveTo(nowMs)
    this.#busy++
  }

  /** One connection less is busy. */
  ended(nowMs: number): void {
    this.#moveTo(nowMs)
    this.#busy--
  }

  /** The slices that are over, the latest last. */
  slices(nowMs: number): readonly WorkloadSlice[] {
    this.#moveTo(nowMs)
    return this.#past
  }

  #moveTo(nowMs: number): void {
    let restMs = sliceMs - this.#slice.lengthMs
    // Of a silence longer than all slices together, the last ones are enough.
    const isFar = nowMs - this.#atMs > sliceMs * (maxSlices + 1)
    if (isFar) this.#atMs = nowMs - sliceMs * (maxSlices + 1)
    while (nowMs - this.#atMs >= restMs) {
      this.#add(restMs)
      this.#past.push(this.#slice)
      if (this.#past.length > maxSlices) this.#past.shift()
      this.#slice = emptySlice()
      restMs = sliceMs
    }
    this.#add(nowMs - this.#atMs)
  }

  #add(ms: number): void {
    this.#slice.lengthMs += ms
    this.#slice.busyMs += ms * this.#busy
    this.#atMs += ms
  }
}

function emptySlice(): WorkloadSlice {
  return { lengthMs: 0, arrived: 0, waited: 0, served: 0, busyMs: 0 }
}
