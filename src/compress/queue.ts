import { availableParallelism } from 'node:os'

/** One body on its way to a thread. */
interface Job {
  readonly bytes: number
  readonly run: () => Promise<Buffer>
  readonly resolve: (encoded: Buffer | undefined) => void
  readonly reject: (error: unknown) => void
  readonly signal: AbortSignal | undefined
}

/** Node's pool has four threads, which files and name lookups share. */
const maxRunning = Math.max(1, Math.min(3, availableParallelism()))
const maxWaitingBytes = 64 * 1_024 * 1_024

/**
 * Lets no more bodies into Node's thread pool than it has threads for. Those that wait keep their
 * order; what nobody wants any more, or what there is no room for, is not compressed.
 */
export class EncodeQueue {
  readonly #waiting: Job[] = []
  #running = 0
  #waitingBytes = 0

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** `undefined` where it was given up, or where too much waits already. */
  add(
    bytes: number,
    run: () => Promise<Buffer>,
    signal?: AbortSignal,
  ): Promise<Buffer | undefined> {
    if (this.#waitingBytes + bytes > maxWaitingBytes) return Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, run, resolve, reject, signal })
      this.#waitingBytes += bytes
      this.#next()
    })
  }

  #next(): void {
    while (this.#running < maxRunning) {
      const job = this.#waiting.shift()
      if (job === undefined) return
      this.#waitingBytes -= job.bytes
      if (job.signal?.aborted === true) {
        job.resolve(undefined)
        continue
      }
      this.#running++
      void job
        .run()
        .then(job.resolve, job.reject)
        .finally(() => {
          this.#running--
          this.#next()
        })
    }
  }
}
