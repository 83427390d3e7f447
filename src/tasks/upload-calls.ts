import type { Clock } from '../core/index.ts'
import { uploadFailed, uploadTimeout, type StorageDeed } from './upload-errors.ts'

/** Asks a storage, which may throw anything or never answer, and has one kind of error for all of it. */
export class StorageCalls {
  /** Where the uploads are, as errors tell it. */
  readonly place: string
  readonly #timeoutMs: number | false
  readonly #clock: Clock

  constructor(place: string, { timeoutMs, clock }: { timeoutMs: number | false; clock: Clock }) {
    this.place = place
    this.#timeoutMs = timeoutMs
    this.#clock = clock
  }

  /**
   * @param release - gets what comes when nobody waits any more, so that it does not stay open
   * @throws HotpathError HOTPATH_TASKS_UPLOAD_TIMEOUT, HOTPATH_TASKS_UPLOAD_FAILED,
   * HOTPATH_TASKS_UPLOAD_DISK_FULL
   */
  async ask<Result>(
    deed: StorageDeed,
    call: () => Promise<Result>,
    release?: (late: Result) => unknown,
  ): Promise<Result> {
    const timeoutMs = this.#timeoutMs
    // An async function, because a storage may throw before it gives a promise.
    const answer = (async () => call())()
    try {
      if (timeoutMs === false) return await answer
      return await this.#inTime(answer, timeoutMs)
    } catch (error) {
      if (!(error instanceof Late)) throw uploadFailed(this.place, deed, error)
      if (release !== undefined) void answer.then(release).catch(() => {})
      throw uploadTimeout(this.place, deed, error.timeoutMs)
    }
  }

  async #inTime<Result>(answer: Promise<Result>, timeoutMs: number): Promise<Result> {
    const late = Promise.withResolvers<never>()
    const timer = this.#clock.after(timeoutMs, () => late.reject(new Late(timeoutMs)))
    try {
      return await Promise.race([answer, late.promise])
    } finally {
      timer.cancel()
    }
  }
}

class Late extends Error {
  readonly timeoutMs: number

  constructor(timeoutMs: number) {
    super()
    this.timeoutMs = timeoutMs
  }
}
