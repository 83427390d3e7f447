import type { ResolvedMapOptions } from './map-options.ts'
import { MapRun, type Outcome, type Outlet } from './map-run.ts'

/** Runs to the end and collects; nobody has to wait for results to be taken. */
export function collectRun<T>(options: ResolvedMapOptions<T>): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    new MapRun(options, new Collection(options.ordered, resolve, reject)).start()
  })
}

class Collection implements Outlet {
  readonly waitingCount = 0
  readonly #results: unknown[] = []
  readonly #isOrdered: boolean
  readonly #resolve: (results: unknown[]) => void
  readonly #reject: (error: unknown) => void

  constructor(
    isOrdered: boolean,
    resolve: (results: unknown[]) => void,
    reject: (error: unknown) => void,
  ) {
    this.#isOrdered = isOrdered
    this.#resolve = resolve
    this.#reject = reject
  }

  deliver(index: number, result: unknown): void {
    if (this.#isOrdered) this.#results[index] = result
    else this.#results.push(result)
  }

  // A run that skips an item ends with an error; the results are dropped.
  skip(): void {}

  ended({ failure }: Outcome): void {
    if (failure === undefined) this.#resolve(this.#results)
    else this.#reject(failure.error)
  }
}
