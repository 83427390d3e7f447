import { randomInt } from 'node:crypto'
import type { TaskTable } from './table.ts'

/** The lease of a process, as all processes see it. */
export interface LeaseRow {
  readonly worker: number
  /** It grows as long as the process lives. */
  readonly beats: number
  readonly leaseMs: number
}

/** A process says so often in the time of its lease that it is there. */
const beatsPerLease = 5

const lookEveryMs = 100

/** Longer than this between two looks, and this process was away itself: frozen, or waiting for the lock. */
const longestLookMs = 250

/**
 * The lease of this process, and what it sees of those of others. The time of a lease is counted by the
 * clock of whoever watches it, which nobody can set, and only while he watches: after a pause of the whole
 * machine, or of all who waited for one lock, everybody is given the time to say that he is there.
 */
export class Leases {
  readonly #table: TaskTable
  readonly #leaseMs: number
  readonly #seen = new Map<number, { beats: number; silentMs: number }>()
  #worker: number | undefined
  #nextBeatMs = 0
  #lookedMs = -Infinity

  constructor(table: TaskTable, leaseMs: number) {
    this.#table = table
    this.#leaseMs = leaseMs
  }

  /** Who this process is for others, once it has entered. */
  get worker(): number | undefined {
    return this.#worker
  }

  isBeatDue(nowMs: number): boolean {
    return nowMs >= this.#nextBeatMs
  }

  isLookDue(nowMs: number): boolean {
    return nowMs - this.#lookedMs >= lookEveryMs
  }

  /** A transaction was undone, and perhaps a beat with it. */
  beatSoon(): void {
    this.#nextBeatMs = 0
  }

  /**
   * Says that this process is there; or enters, the first time and when others have declared it dead.
   *
   * @returns false where they have: what it held is no longer its own
   */
  beat(nowMs: number): boolean {
    const worker = this.#worker
    if (worker !== undefined) {
      const isKnown = this.isBeatDue(nowMs)
        ? this.#table.renew(worker)
        : this.#table.isKnown(worker)
      if (isKnown) {
        if (this.isBeatDue(nowMs)) this.#nextBeatMs = nowMs + this.#leaseMs / beatsPerLease
        return true
      }
    }
    this.#nextBeatMs = nowMs + this.#leaseMs / beatsPerLease
    this.#worker = randomInt(1, 2 ** 47)
    this.#table.enter(this.#worker, this.#leaseMs)
    return worker === undefined
  }

  /** Looks at the leases of others, and says whose has run out. */
  look(nowMs: number): number[] {
    const watchedMs = Math.min(nowMs - this.#lookedMs, longestLookMs)
    this.#lookedMs = nowMs
    const late: number[] = []
    const rows = this.#table.leases()
    for (const { worker, beats, leaseMs } of rows) {
      const before = this.#seen.get(worker)
      const silentMs = before?.beats === beats ? before.silentMs + watchedMs : 0
      this.#seen.set(worker, { beats, silentMs })
      if (silentMs >= leaseMs && worker !== this.#worker) late.push(worker)
    }
    if (this.#seen.size > rows.length) this.#forget(new Set(rows.map(({ worker }) => worker)))
    return late
  }

  #forget(known: ReadonlySet<number>): void {
    for (const worker of this.#seen.keys()) if (!known.has(worker)) this.#seen.delete(worker)
  }
}
