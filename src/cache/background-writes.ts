import type { Circuit } from '../core/index.ts'

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

  /** `undefined` when it is dropped. Sends through the circuit what it sends. */
  start(work: () => Promise<unknown>): Promise<unknown> | undefined {
    if (this.#circuit.isOpen || this.#inFlight.size >= maxInFlight) {
      this.dropped++
      return undefined
    }
    const sent = work()
    this.#inFlight.add(sent)
    void sent.finally(() => this.#inFlight.delete(sent))
    return sent
  }

  send(operation: string, write: () => Promise<unknown>): Promise<unknown> | undefined {
    return this.start(() => this.#circuit.run(operation, write))
  }

  /** Resolves when what is on its way has arrived, or has run out of time. */
  async settled(): Promise<void> {
    await Promise.all(this.#inFlight)
  }
}
