import { maxTimerMs, type Clock } from '../core/index.ts'

// The store is asked again after these times: often at first, for tasks that are short.
const firstPauseMs = 20
const longestPauseMs = 500

/** Those who wait for a task in this process; wakes them when it hears of the task. */
export class Waiting {
  readonly #clock: Clock
  readonly #wakers = new Map<string, Set<() => void>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Something became of the task: look again. */
  wake(id: string): void {
    for (const wake of this.#wakers.get(id) ?? []) wake()
  }

  wakeAll(): void {
    for (const id of this.#wakers.keys()) this.wake(id)
  }

  /**
   * Asks until `isEnough`, or until the time is up: then it resolves to the last answer.
   *
   * @throws the signal's reason
   */
  async until<Answer>(
    id: string,
    ask: () => Promise<Answer>,
    isEnough: (answer: Answer) => boolean,
    { timeoutMs, signal }: { timeoutMs: number | false; signal: AbortSignal | undefined },
  ): Promise<Answer> {
    // The timers of a clock let the process end; who waits for an answer wants it before.
    const stay = setInterval(() => {}, maxTimerMs)
    try {
      const deadlineMs = timeoutMs === false ? Infinity : this.#clock.monotonicMs() + timeoutMs
      return await this.#ask(id, ask, isEnough, deadlineMs, signal)
    } finally {
      clearInterval(stay)
    }
  }

  async #ask<Answer>(
    id: string,
    ask: () => Promise<Answer>,
    isEnough: (answer: Answer) => boolean,
    deadlineMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    let pauseMs = firstPauseMs
    for (;;) {
      signal?.throwIfAborted()
      const woken = this.#listen(id)
      try {
        const answer = await unlessAborted(ask(), signal)
        const leftMs = deadlineMs - this.#clock.monotonicMs()
        if (isEnough(answer) || leftMs <= 0) return answer
        await this.#pause(Math.min(pauseMs, leftMs), woken, signal)
      } finally {
        woken.stop()
      }
      pauseMs = Math.min(longestPauseMs, pauseMs * 1.5)
    }
  }

  async #pause(ms: number, woken: Listening, signal: AbortSignal | undefined): Promise<void> {
    const timer = this.#clock.after(ms, woken.wake)
    signal?.addEventListener('abort', woken.wake, { once: true })
    await woken.promise
    signal?.removeEventListener('abort', woken.wake)
    timer.cancel()
  }

  /** Listens before the store is asked: what happens meanwhile must not be missed. */
  #listen(id: string): Listening {
    const { promise, resolve: wake } = Promise.withResolvers<void>()
    const wakers = this.#wakers.get(id) ?? new Set()
    this.#wakers.set(id, wakers.add(wake))
    const stop = () => {
      wakers.delete(wake)
      if (wakers.size === 0) this.#wakers.delete(id)
    }
    return { promise, wake, stop }
  }
}

interface Listening {
  readonly promise: Promise<void>
  readonly wake: () => void
  readonly stop: () => void
}

/** A store in trouble takes its time to answer; who gives up need not wait for that. */
async function unlessAborted<Answer>(
  answer: Promise<Answer>,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  if (signal === undefined) return answer
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([answer, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
