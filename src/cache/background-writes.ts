import type { Circuit } from './circuit.ts'

/** Writes on their way at once; a busy Redis is given less, not a longer queue. */
const maxInFlight = 256

/** Writes to Redis that nobody waits for, a bounded number of them. */
export class BackgroundWrites {
  dropped = 0
  readonly #circuit: Circuit
  readonly #inFlight = new Set<Promise<unknown>>()

  constructor(circuit: Circuit) {
    this.#circuit = circuit
  }

  send(operation: string, write: () => Promise<unknown>): void {
    if (this.#circuit.isOpen || this.#inFlight.size >= maxInFlight) {
      this.dropped++
      return
    }
    const sent = this.#circuit.run(operation, write)
    this.#inFlight.add(sent)
    void sent.finally(() => this.#inFlight.delete(sent))
  }

  /** Resolves when what is on its way has arrived, or has run out of time. */
  async settled(): Promise<void> {
    await Promise.all(this.#inFlight)
  }
}
