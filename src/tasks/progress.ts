import type { Clock, Timer } from '../core/index.ts'

const intervalMs = 250

/** Lets the last word through, at most one in a quarter of a second, and one at a time. */
export class ProgressThrottle {
  readonly #clock: Clock
  readonly #store: (json: string) => Promise<void>
  #waiting: string | undefined
  #timer: Timer | undefined
  #storing: Promise<void> | undefined
  #isClosed = false

  constructor(clock: Clock, store: (json: string) => Promise<void>) {
    this.#clock = clock
    this.#store = store
  }

  tell(json: string): void {
    if (this.#isClosed) return
    this.#waiting = json
    if (this.#timer === undefined && this.#storing === undefined) this.#send()
  }

  /** Stores what still waits: the last word of a handler belongs to its task. */
  async flush(): Promise<void> {
    await this.#storing
    this.#send()
    await this.#storing
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  #send(): void {
    const json = this.#waiting
    if (json === undefined || this.#isClosed) return
    this.#waiting = undefined
    this.#timer?.cancel()
    this.#timer = this.#clock.after(intervalMs, () => {
      this.#timer = undefined
      if (this.#storing === undefined) this.#send()
    })
    this.#storing = this.#store(json).finally(() => {
      this.#storing = undefined
      if (this.#timer === undefined) this.#send()
    })
  }
}
