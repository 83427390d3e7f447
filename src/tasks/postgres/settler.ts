import { setTimeout as delay } from 'node:timers/promises'
import type { EngineHost } from '../engine.ts'
import type { PostgresStore, Settlement } from './store.ts'

interface Waiting {
  readonly settlement: Settlement
  resolve(isStored: boolean): void
}

const firstRetryMs = 100
const longestRetryMs = 2_000

/**
 * Writes how attempts have ended: those of one name that end while a statement is under way share the
 * next. While the server is away it goes on trying, and the leases with it, so that an outage costs no
 * second execution.
 */
export class PostgresSettler {
  readonly #store: PostgresStore
  readonly #name: string
  readonly #host: EngineHost
  readonly #closing = new AbortController()
  #waiting: Waiting[] = []
  #isWriting = false

  constructor(store: PostgresStore, name: string, host: EngineHost) {
    this.#store = store
    this.#name = name
    this.#host = host
  }

  /** True when it is in the store; false when the attempt had lost its job. */
  settle(settlement: Settlement): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waiting.push({ settlement, resolve })
      if (this.#isWriting) return
      this.#isWriting = true
      // What ends in the same turn of the loop belongs to the same statement.
      queueMicrotask(() => void this.#write())
    })
  }

  /** From now on each statement is tried once: what fails is left to whoever takes the task over. */
  giveUp(): void {
    this.#closing.abort()
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      const settled = await this.#writeBatch(batch.map(({ settlement }) => settlement))
      for (const { settlement, resolve } of batch) resolve(settled.has(settlement.uuid))
    }
    this.#isWriting = false
  }

  async #writeBatch(settlements: Settlement[]): Promise<ReadonlySet<string>> {
    const { signal } = this.#closing
    for (let retryMs = firstRetryMs; ; retryMs = Math.min(longestRetryMs, retryMs * 2)) {
      try {
        return await this.#store.settle(this.#name, settlements)
      } catch (error) {
        this.#host.onTrouble(`settle ${this.#name}`, error)
        if (signal.aborted) return new Set()
        await delay(retryMs, undefined, { signal }).catch(() => {})
      }
    }
  }
}
