import { HotpathError } from '../core/index.ts'

/** One item that failed. */
export interface ItemFailure {
  /** Its place in the source, from 0. */
  readonly index: number
  readonly error: unknown
}

/** Some items of {@link mapConcurrent} failed; the others were done. Code HOTPATH_BATCH_ITEMS_FAILED. */
export class ItemsFailedError extends HotpathError {
  /** How many failed. */
  readonly failedCount: number
  /** The first 1,000 of them, in the order in which they failed. */
  readonly failures: readonly ItemFailure[]

  constructor(failedCount: number, failures: readonly ItemFailure[]) {
    const [first] = failures
    super(
      'HOTPATH_BATCH_ITEMS_FAILED',
      `${failedCount} ${failedCount === 1 ? 'item' : 'items'} failed, first the one at index ` +
        `${first?.index}: ${String(first?.error)}. All others were done; see \`failures\``,
      { cause: first?.error },
    )
    this.failedCount = failedCount
    this.failures = failures
  }
}

/** Counts what fails in one run. A source may be endless, so not every error is kept. */
export class Failures {
  readonly #kept: ItemFailure[] = []
  #count = 0

  add(index: number, error: unknown): void {
    this.#count++
    if (this.#kept.length < maxKept) this.#kept.push({ index, error })
  }

  toFailure(): { readonly error: unknown } | undefined {
    if (this.#count === 0) return undefined
    return { error: new ItemsFailedError(this.#count, this.#kept) }
  }
}

const maxKept = 1_000
