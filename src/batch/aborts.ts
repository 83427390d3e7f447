/**
 * What is to be stopped when a run is aborted. A set, and not listeners on the run's signal: taking a
 * listener off an AbortSignal takes longer the more there are.
 */
export class Aborts {
  readonly #stops = new Set<(reason: Error) => void>()
  #reason: Error | undefined

  /** Throws if the run is aborted already. */
  throwIfAborted(): void {
    if (this.#reason !== undefined) throw this.#reason
  }

  add(stop: (reason: Error) => void): void {
    this.#stops.add(stop)
  }

  delete(stop: (reason: Error) => void): void {
    this.#stops.delete(stop)
  }

  abort(reason: unknown): void {
    const error = reason instanceof Error ? reason : new Error('aborted', { cause: reason })
    this.#reason = error
    for (const stop of this.#stops) stop(error)
    this.#stops.clear()
  }
}
