import type { Clock } from '../core/index.ts'
import { isEnded, taskJson } from './task-answers.ts'
import type { ServedTask } from './task-options.ts'

/** The id of the last event: a client that has seen it has seen all. */
export const lastEventId = 'end'

/** What a stream of events needs. */
export interface EventSettings {
  readonly pollMs: number
  readonly heartbeatMs: number
  readonly clock: Clock
  /** The task as it is in the store. */
  readonly ask: () => Promise<ServedTask | undefined>
  /** Calls `wake` when this process hears of the task; the function that it returns ends that. */
  readonly listen: (wake: () => void) => () => void
  readonly signal: AbortSignal
}

/**
 * Server-sent events of one task (https://html.spec.whatwg.org/multipage/server-sent-events.html):
 * `progress` whenever anything about it has changed, `end` when it is over, and then no more. The store
 * is asked, because the task may run in any process; what this one hears of comes at once.
 */
export async function* taskEvents(
  task: ServedTask,
  settings: EventSettings,
): AsyncGenerator<string> {
  const { pollMs, heartbeatMs, clock, ask, signal } = settings
  const waking = new Waking(settings)
  try {
    let current: ServedTask | undefined = task
    let sent = ''
    let quietSinceMs = clock.monotonicMs()
    for (;;) {
      if (current === undefined)
        return yield event('gone', lastEventId, JSON.stringify({ id: task.id }))
      const json = taskJson(current)
      if (isEnded(current)) return yield event('end', lastEventId, json)
      if (json !== sent) {
        yield event('progress', undefined, json)
        sent = json
        quietSinceMs = clock.monotonicMs()
      } else if (clock.monotonicMs() - quietSinceMs >= heartbeatMs) {
        yield ': still there\n\n'
        quietSinceMs = clock.monotonicMs()
      }
      if (!signal.aborted) await waking.pause(pollMs)
      if (signal.aborted) return undefined
      try {
        current = await ask()
      } catch {
        // The store will come back, and until then the client knows what there is to know.
      }
    }
  } finally {
    waking.end()
  }
}

function event(name: string, id: string | undefined, data: string): string {
  // JSON has no line breaks.
  return `event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`
}

/** Pauses that end early when the task is heard of, also if that was just before the pause. */
class Waking {
  readonly #clock: Clock
  readonly #signal: AbortSignal
  readonly #stop: () => void
  #isWoken = false
  #wake: () => void = () => {}

  constructor({ clock, signal, listen }: EventSettings) {
    this.#clock = clock
    this.#signal = signal
    this.#stop = listen(this.#woken)
    signal.addEventListener('abort', this.#woken)
  }

  async pause(ms: number): Promise<void> {
    if (!this.#isWoken) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      const timer = this.#clock.after(ms, resolve)
      await promise
      timer.cancel()
    }
    this.#isWoken = false
  }

  end(): void {
    this.#stop()
    this.#signal.removeEventListener('abort', this.#woken)
  }

  readonly #woken = (): void => {
    this.#isWoken = true
    this.#wake()
  }
}
