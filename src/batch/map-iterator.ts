import type { ResolvedMapOptions } from './map-options.ts'
import { MapRun, type Outcome, type Outlet } from './map-run.ts'
import { Ring } from './ring.ts'

type Step = IteratorResult<unknown, undefined>

/** Hands the results of a run to a `for await`, in the order that was asked for. */
export class MapIterator<T> implements AsyncIterator<unknown, undefined>, Outlet {
  readonly #run: MapRun<T>
  readonly #isOrdered: boolean
  /**
   * What is done and not taken, by its place in the order of delivery: that of the source, or of
   * arrival.
   */
  readonly #waiting = new Ring<{ readonly value: unknown } | typeof skipped>()
  readonly #takers: PromiseWithResolvers<Step>[] = []
  #arrivedCount = 0
  #hasStarted = false
  #outcome: Outcome | undefined

  constructor(options: ResolvedMapOptions<T>) {
    this.#run = new MapRun(options, this)
    this.#isOrdered = options.ordered
  }

  get waitingCount(): number {
    return this.#waiting.size
  }

  next(): Promise<Step> {
    const taker = Promise.withResolvers<Step>()
    this.#takers.push(taker)
    if (this.#hasStarted) {
      this.#serve()
      this.#run.pull()
    } else {
      this.#hasStarted = true
      this.#run.start()
    }
    return taker.promise
  }

  return(): Promise<Step> {
    const taker = Promise.withResolvers<Step>()
    this.#hasStarted = true
    this.#waiting.clear()
    this.#takers.push(taker)
    if (this.#outcome === undefined) this.#run.cancel()
    else this.#serve()
    return taker.promise
  }

  deliver(index: number, result: unknown): void {
    this.#waiting.set(this.#isOrdered ? index : this.#arrivedCount++, { value: result })
    this.#serve()
  }

  skip(index: number): void {
    if (!this.#isOrdered) return
    this.#waiting.set(index, skipped)
    this.#serve()
  }

  ended(outcome: Outcome): void {
    this.#outcome = outcome
    if (outcome.isCancelled) this.#waiting.clear()
    this.#serve()
  }

  #serve(): void {
    while (this.#takers.length > 0 || this.#waiting.first === skipped) {
      const { first } = this.#waiting
      if (first !== undefined) {
        this.#waiting.shift()
        if (first !== skipped) this.#takers.shift()?.resolve({ done: false, value: first.value })
      } else if (this.#outcome !== undefined) {
        this.#tell(this.#outcome)
      } else {
        return
      }
    }
  }

  #tell({ failure }: Outcome): void {
    const taker = this.#takers.shift()
    if (failure === undefined) return taker?.resolve({ done: true, value: undefined })
    // An error is told once; after it the iterator is merely done.
    this.#outcome = { failure: undefined, isCancelled: true }
    this.#waiting.clear()
    taker?.reject(failure.error)
  }
}

const skipped: unique symbol = Symbol('skipped')
