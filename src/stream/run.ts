import { messageOf, RowError } from './errors.ts'
import type { Place } from './place.ts'
import type { Rejects } from './rejects.ts'

/** One run of a pipeline, as its source and its steps see it. */
export class Run {
  readonly signal: AbortSignal | undefined
  /** Bytes of the source that were read: compressed ones, where it is. */
  bytesRead = 0
  totalBytes: number | undefined
  readonly #rejects: Rejects | undefined

  constructor(signal?: AbortSignal, rejects?: Rejects) {
    this.signal = signal
    this.#rejects = rejects
  }

  readBytes(count: number, totalBytes: number | undefined): void {
    this.bytesRead += count
    this.totalBytes = totalBytes
  }

  /**
   * Keeps a failed row for the reject sink.
   *
   * @throws RowError where there is none, or where too many have failed
   */
  reject(place: Place, cause: unknown, row: unknown): void {
    const isThrown = typeof cause !== 'string'
    const reason = isThrown ? messageOf(cause) : cause
    if (this.#rejects === undefined) throw new RowError(place, reason, isThrown ? { cause } : {})
    this.#rejects.add(place, reason, isThrown ? cause : undefined, row)
  }

  get rejectedCount(): number {
    return this.#rejects?.count ?? 0
  }

  /** Ask this first: there is nothing to wait for on a good day. */
  get hasRejects(): boolean {
    return this.#rejects?.hasPending ?? false
  }

  async flushRejects(): Promise<void> {
    await this.#rejects?.flush()
  }
}
