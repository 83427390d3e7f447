import type { LoadContext } from './cache.ts'
import type { Flight } from './flight.ts'
import { checkEachTag, maxTagsPerEntry } from './keys.ts'
import type { TagTable } from './tags.ts'

/** What a loader is told of its flight, and what it decides about its value. */
export class FlightContext implements LoadContext {
  ttlMs: number | false
  tags: readonly string[] | undefined
  readonly #flight: Flight
  readonly #table: TagTable

  constructor(flight: Flight, ttlMs: number, tags: readonly string[] | undefined, table: TagTable) {
    this.ttlMs = ttlMs
    this.tags = tags
    this.#flight = flight
    this.#table = table
  }

  /** False with more tags than an entry may carry. */
  get hasRoom(): boolean {
    return this.tags === undefined || this.tags.length <= maxTagsPerEntry
  }

  // A field, so that a loader may take it out: `async ({ addTags }) => …`.
  readonly addTags = (names: readonly string[]): void => {
    checkEachTag(names)
    const carried = new Set(this.tags)
    const added = [...new Set(names)].filter((name) => !carried.has(name))
    if (added.length === 0) return
    this.tags = [...carried, ...added]
    if (!this.hasRoom) return
    const flight = this.#flight
    if (added.some((name) => this.#table.wasInvalidated(name, flight.step))) flight.outdateUnseen()
    flight.tags = [...(flight.tags ?? []), ...(this.#table.refer(added) ?? [])]
  }

  get signal(): AbortSignal {
    return this.#flight.signal
  }

  get isCurrent(): boolean {
    return this.#flight.isCurrent
  }
}
