import { systemClock, type Timer } from '../../core/index.ts'
import type { EngineHost, StopReason } from '../engine.ts'
import type { Attempt, PostgresStore } from './store.ts'

/** An attempt of this process, and how it is told that it has lost its job. */
export interface Lease extends Attempt {
  stop(reason: StopReason): void
}

export interface LeaseOwner {
  readonly store: PostgresStore
  readonly leaseMs: number
  readonly host: EngineHost
  /** Tasks of these names have been queued again. */
  onTakenOver(names: ReadonlySet<string>): void
}

const beatsPerLease = 5
const sweepEveryMs = 600_000

/**
 * Gives the signs of life of all attempts of this process by one statement, and by another looks for
 * those of other processes that give none any more. pg-boss' own heartbeat is 10 seconds at least, and
 * counts after a monitor pass.
 */
export class PostgresLeases {
  readonly #owner: LeaseOwner
  readonly #held = new Map<string, Lease>()
  readonly #names = new Set<string>()
  #timer: Timer | undefined
  #sweptAtMs = systemClock.monotonicMs()
  #isClosed = false

  constructor(owner: LeaseOwner) {
    this.#owner = owner
  }

  /** From now on tasks of this name are taken over from processes that died. */
  watch(name: string): void {
    this.#names.add(name)
    this.#timer ??= systemClock.after(0, () => void this.#beat())
  }

  add(lease: Lease): void {
    this.#held.set(lease.uuid, lease)
  }

  delete(lease: Lease): void {
    if (this.#held.get(lease.uuid) === lease) this.#held.delete(lease.uuid)
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  async #beat(): Promise<void> {
    const { store, leaseMs, host } = this.#owner
    const began = systemClock.monotonicMs()
    try {
      await this.#renew()
      const names = await store.takeOver([...this.#names], leaseMs)
      if (names.size > 0) this.#owner.onTakenOver(names)
      if (began - this.#sweptAtMs > sweepEveryMs) {
        this.#sweptAtMs = began
        await store.sweepProgress()
      }
    } catch (error) {
      if (!this.#isClosed) host.onTrouble('renew leases', error)
    }
    if (this.#isClosed) return
    const spentMs = systemClock.monotonicMs() - began
    const everyMs = leaseMs / beatsPerLease
    this.#timer = systemClock.after(Math.max(everyMs / 10, everyMs - spentMs), () => {
      void this.#beat()
    })
  }

  async #renew(): Promise<void> {
    const asked = [...this.#held.values()]
    if (asked.length === 0) return
    const kept = await this.#owner.store.renew(asked)
    // What was settled while the statement was under way is not held any more, and has not lost.
    const lost = asked.filter(
      (lease) => !kept.has(lease.uuid) && this.#held.get(lease.uuid) === lease,
    )
    for (const lease of lost) {
      this.delete(lease)
      const job = await this.#owner.store.find(lease.name, lease.uuid)
      lease.stop(job?.state === 'cancelled' ? 'cancelled' : 'lost')
    }
  }
}
