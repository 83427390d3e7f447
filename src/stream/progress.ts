import { eventChannel, type Clock } from '../core/index.ts'
import type { Place } from './place.ts'
import type { Run } from './run.ts'

/** How far a delivery is. */
export interface StreamProgress {
  /** Bytes of the source that were read: of the file, so compressed ones where it is. */
  readonly bytes: number
  /** Bytes of the source from where the run began (`from`) to its end; undefined where that is not known. */
  readonly totalBytes: number | undefined
  /** Rows that the sink has taken. */
  readonly rows: number
  readonly rejected: number
  /** Everything before it is in the sink: begin here to go on (`from`). */
  readonly next: Place
  readonly elapsedMs: number
  readonly bytesPerSecond: number
  readonly rowsPerSecond: number
  /** How long the rest takes at this rate; undefined where that is not known. */
  readonly remainingMs: number | undefined
}

const events = eventChannel('hotpath:stream:progress')
const reportEveryMs = 200

/** Tells whoever wants to know how far a delivery is, some times a second. */
export class ProgressMeter {
  readonly #run: Run
  readonly #name: string
  readonly #clock: Clock
  readonly #listeners: readonly ((progress: StreamProgress) => void)[]
  readonly #startMs: number
  #reportedMs: number

  constructor(
    run: Run,
    name: string,
    clock: Clock,
    listeners: readonly ((progress: StreamProgress) => void)[],
  ) {
    this.#run = run
    this.#name = name
    this.#clock = clock
    this.#listeners = listeners
    this.#startMs = clock.monotonicMs()
    this.#reportedMs = this.#startMs
  }

  get elapsedMs(): number {
    return this.#clock.monotonicMs() - this.#startMs
  }

  /** Reports, if the last report is some time ago. */
  tick(rows: number, next: () => Place): void {
    if (this.#listeners.length === 0 && !events.hasSubscribers) return
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#reportedMs < reportEveryMs) return
    this.#reportedMs = nowMs
    this.report(rows, next())
  }

  report(rows: number, next: Place): void {
    if (this.#listeners.length === 0 && !events.hasSubscribers) return
    const progress = this.#progress(rows, next)
    for (const listener of this.#listeners) listener(progress)
    if (events.hasSubscribers) events.publish({ stream: this.#name, ...progress })
  }

  #progress(rows: number, next: Place): StreamProgress {
    const { bytesRead: bytes, totalBytes, rejectedCount: rejected } = this.#run
    const { elapsedMs } = this
    const perMs = (count: number) => (elapsedMs > 0 ? count / elapsedMs : 0)
    const leftBytes = totalBytes === undefined ? undefined : Math.max(0, totalBytes - bytes)
    return {
      bytes,
      totalBytes,
      rows,
      rejected,
      next,
      elapsedMs,
      bytesPerSecond: perMs(bytes) * 1_000,
      rowsPerSecond: perMs(rows) * 1_000,
      remainingMs:
        leftBytes === undefined || bytes === 0 || elapsedMs === 0
          ? undefined
          : leftBytes / perMs(bytes),
    }
  }
}
