/** Something that is to be stopped when its run is aborted. */
export interface Stoppable {
  abort(reason: Error): void
  /** Where it stands in the list of {@link Aborts}, which alone writes it. */
  abortPlace: number
}

/**
 * What is to be stopped when a run is aborted. No listeners on the run's signal: taking one off takes
 * longer the more there are. And no Set: when V8 makes a new table for it, the old one goes on holding
 * its members and knows the new one, so that a single old table that was moved to the old generation
 * drags along all requests that come after, until a major collection.
 */
export class Aborts {
  readonly #stops: Stoppable[] = []
  #reason: Error | undefined

  /** Throws if the run is aborted already. */
  throwIfAborted(): void {
    if (this.#reason !== undefined) throw this.#reason
  }

  add(stop: Stoppable): void {
    stop.abortPlace = this.#stops.push(stop) - 1
  }

  delete(stop: Stoppable): void {
    const { abortPlace } = stop
    if (this.#stops[abortPlace] !== stop) return
    // The last one takes its place.
    const last = this.#stops.pop() as Stoppable
    if (last === stop) return
    this.#stops[abortPlace] = last
    last.abortPlace = abortPlace
  }

  abort(reason: unknown): void {
    const error = reason instanceof Error ? reason : new Error('aborted', { cause: reason })
    this.#reason = error
    for (const stop of this.#stops.splice(0)) stop.abort(error)
  }
}
