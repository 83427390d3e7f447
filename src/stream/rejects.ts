import type { Sink } from '../core/index.ts'
import type { SinkFunction } from './deliver-options.ts'
import { tooManyRejects } from './errors.ts'
import type { Place } from './place.ts'
import { placedSink, type PlacedSink } from './placed-sink.ts'

/** A row that failed, as a reject sink gets it. */
export interface RejectedRow extends Place {
  /** Why, in words. */
  readonly reason: string
  /** What was thrown, where a step threw. */
  readonly error: unknown
  /** The row as the step that failed had it; undefined for a line that could not be read. */
  readonly row: unknown
}

/** Rows that failed, on their way to where they go. */
export class Rejects {
  count = 0
  readonly #sink: PlacedSink<RejectedRow, unknown>
  readonly #maxRejects: number | false
  #pending: RejectedRow[] = []
  #isEnded = false

  constructor(
    target: Sink<RejectedRow, unknown> | SinkFunction<RejectedRow>,
    maxRejects: number | false,
  ) {
    this.#sink = placedSink(target)
    this.#maxRejects = maxRejects
  }

  /** @throws RowError where too many have failed */
  add(place: Place, reason: string, error: unknown, row: unknown): void {
    if (this.#maxRejects !== false && this.count >= this.#maxRejects) {
      throw tooManyRejects(this.#maxRejects, place, reason)
    }
    this.count++
    const { line, byteOffset } = place
    this.#pending.push({ line, byteOffset, reason, error, row })
  }

  get hasPending(): boolean {
    return this.#pending.length > 0
  }

  async flush(): Promise<void> {
    const rows = this.#pending
    this.#pending = []
    if (rows.length > 0) await this.#sink.write(rows, () => placeBehind(rows))
  }

  async close(): Promise<void> {
    this.#isEnded = true
    try {
      await this.flush()
      await this.#sink.close()
    } catch (error) {
      await this.#sink.abort(error)
      throw error
    }
  }

  /** Closes it after a run that failed: what was rejected until then is worth reading. */
  async end(): Promise<void> {
    // The error of the run is the one to tell.
    if (!this.#isEnded) await this.close().catch(() => {})
  }
}

function placeBehind(rows: readonly RejectedRow[]): Place {
  const { line = 1, byteOffset } = rows.at(-1) ?? {}
  return { line, byteOffset }
}
