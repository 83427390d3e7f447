import { positiveMs } from '../core/index.ts'
import type { Call, Retention } from './call.ts'
import type { LoadContext } from './cache.ts'
import type { Flight } from './flight.ts'
import { checkEachTag, maxTagsPerEntry } from './keys.ts'
import { staleMsOrOff } from './resolved-options.ts'
import type { TagTable } from './tags.ts'

/** What a loader is told of its flight, and what it decides about its value. */
export class FlightContext implements LoadContext {
  ttlMs: number | false
  staleMs: number | false
  staleIfErrorMs: number | false
  tags: readonly string[] | undefined
  readonly #flight: Flight
  readonly #table: TagTable

  constructor(flight: Flight, { retention, tags }: Call, table: TagTable) {
    this.ttlMs = retention.ttlMs
    this.staleMs = retention.staleMs
    this.staleIfErrorMs = retention.staleIfErrorMs
    this.tags = tags
    this.#flight = flight
    this.#table = table
  }

  /**
   * What the loader has decided; `undefined` where the value is not to be kept.
   *
   * @throws HotpathError HOTPATH_OPTION_INVALID
   */
  get retention(): Retention | undefined {
    if (this.ttlMs === false || !this.#hasRoom) return undefined
    return {
      ttlMs: positiveMs('ttlMs', this.ttlMs),
      staleMs: staleMsOrOff('staleMs', this.staleMs),
      staleIfErrorMs: staleMsOrOff('staleIfErrorMs', this.staleIfErrorMs),
    }
  }

  // A field, so that a loader may take it out: `async ({ addTags }) => …`.
  readonly addTags = (names: readonly string[]): void => {
    checkEachTag(names)
    if (!this.#hasRoom) return
    const flight = this.#flight
    const added = flight.carryOwn(names, this.tags ?? [])
    if (added.length === 0) return
    this.tags = this.tags === undefined ? added : [...this.tags, ...added]
    if (this.#table.wereChanged(added, flight.step)) flight.outdateUnseen()
  }

  get signal(): AbortSignal {
    return this.#flight.signal
  }

  get isCurrent(): boolean {
    return this.#flight.isCurrent
  }

  get fallback(): unknown {
    return this.#flight.spare?.value
  }

  /** False with more tags than an entry may carry. */
  get #hasRoom(): boolean {
    return this.tags === undefined || this.tags.length <= maxTagsPerEntry
  }
}
