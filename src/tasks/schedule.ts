import { Cron } from 'croner'
import { invalid, type Clock, type Timer } from '../core/index.ts'

// How long to wait before a tick that could not be stored is tried again.
const retryMs = 1_000

// How late a tick may be when the time of the system was set meanwhile.
const longestSleepMs = 30_000

/** What a schedule does when it is due. */
export type Tick = (atMs: number) => Promise<void>

/** Calls `tick` whenever a cron pattern is due, while it is started. */
export class Schedule {
  readonly #cron: Cron
  readonly #clock: Clock
  readonly #tick: Tick
  #timer: Timer | undefined
  #isStarted = false
  #isStopped = false

  constructor(pattern: string, timeZone: string, clock: Clock, tick: Tick) {
    this.#cron = parse(pattern, timeZone, new Date(clock.epochMs()))
    this.#clock = clock
    this.#tick = tick
  }

  start(): void {
    if (this.#isStarted) return
    this.#isStarted = true
    this.#await(this.#clock.epochMs())
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  #await(afterMs: number): void {
    const next = this.#cron.nextRun(new Date(afterMs))
    if (next !== null) this.#sleepUntil(next.getTime(), () => this.#fire(next.getTime()))
  }

  #fire(atMs: number): void {
    this.#await(Math.max(atMs, this.#clock.epochMs()))
    void this.#store(atMs, this.#cron.nextRun(new Date(atMs))?.getTime() ?? Infinity)
  }

  /** A tick that the store refuses is tried again until the next one is due. */
  async #store(atMs: number, untilMs: number): Promise<void> {
    try {
      await this.#tick(atMs)
    } catch {
      this.#clock.after(retryMs, () => {
        if (!this.#isStopped && this.#clock.epochMs() < untilMs) void this.#store(atMs, untilMs)
      })
    }
  }

  /** In steps, since the time of the system may be set, and a timer cannot wait for months. */
  #sleepUntil(atMs: number, run: () => void): void {
    if (this.#isStopped) return
    const leftMs = atMs - this.#clock.epochMs()
    if (leftMs <= 0) run()
    else {
      const stepMs = Math.min(leftMs, longestSleepMs)
      this.#timer = this.#clock.after(stepMs, () => this.#sleepUntil(atMs, run))
    }
  }
}

function parse(pattern: string, timeZone: string, now: Date): Cron {
  let next: Date | null
  let cron: Cron
  try {
    cron = new Cron(pattern, { timezone: timeZone, paused: true })
    next = cron.nextRun(now)
  } catch (error) {
    invalid('the cron pattern', `one that croner reads in ${timeZone} (${String(error)})`, pattern)
  }
  if (next === null) invalid('the cron pattern', 'one that is due at some time', pattern)
  return cron
}
