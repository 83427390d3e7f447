import type { Place } from './place.ts'

/**
 * Rows that travel together, so that what is awaited is awaited once for all of them. Where they
 * come from is worked out when somebody asks, which on a good day is nobody.
 */
export interface RowBatch<T> {
  readonly rows: readonly T[]
  /** Where the row at this index begins. */
  placeOf(index: number): Place
  /** Where reading goes on: all rows before it are in this batch or in an earlier one. */
  readonly end: Place
}

/** Rows that were made of those of another batch. */
export class DerivedBatch<T> implements RowBatch<T> {
  readonly rows: readonly T[]
  readonly #parent: RowBatch<unknown>
  readonly #origins: readonly number[] | undefined
  readonly #endIndex: number | undefined

  /**
   * @param origins for each row the index of what it was made of; without them each of its own
   * @param endIndex the first row of the parent that comes later, if not all are in this batch
   */
  constructor(
    rows: readonly T[],
    parent: RowBatch<unknown>,
    origins: readonly number[] | undefined,
    endIndex?: number,
  ) {
    this.rows = rows
    this.#parent = parent
    this.#origins = origins
    this.#endIndex = endIndex
  }

  placeOf(index: number): Place {
    return this.#parent.placeOf(this.#origins === undefined ? index : (this.#origins[index] ?? 0))
  }

  get end(): Place {
    return this.#endIndex === undefined ? this.#parent.end : this.#parent.placeOf(this.#endIndex)
  }
}

/** Rows whose places are known one by one. */
export class ListedBatch<T> implements RowBatch<T> {
  readonly rows: readonly T[]
  readonly end: Place
  readonly #places: readonly Place[]

  constructor(rows: readonly T[], places: readonly Place[], end: Place) {
    this.rows = rows
    this.end = end
    this.#places = places
  }

  placeOf(index: number): Place {
    return this.#places[index] ?? this.end
  }
}

/** Rows that are no lines, and go by their numbers. */
export class NumberedBatch<T> implements RowBatch<T> {
  readonly rows: readonly T[]
  readonly #first: number

  constructor(rows: readonly T[], first: number) {
    this.rows = rows
    this.#first = first
  }

  placeOf(index: number): Place {
    return { line: this.#first + index, byteOffset: undefined }
  }

  get end(): Place {
    return this.placeOf(this.rows.length)
  }
}
