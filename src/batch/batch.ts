import { HotpathError } from '../core/index.ts'
import type { BatchFunction } from './batcher-options.ts'

/** A call that waits for its batch, or for the batch's answer. */
export interface BatchEntry<T, R> {
  readonly input: T
  readonly resolve: (result: R) => void
  readonly reject: (error: unknown) => void
  readonly signal: AbortSignal | undefined
  /** Stops listening to the caller's signal. */
  leave: (() => void) | undefined
}

/** One run of a batch function, and the callers that wait for it. */
export class Batch<T, R> {
  readonly #name: string
  readonly #entries: readonly BatchEntry<T, R>[]
  readonly #controller = new AbortController()
  #leftCount = 0

  constructor(name: string, entries: readonly BatchEntry<T, R>[]) {
    this.#name = name
    this.#entries = entries
    for (const { signal } of entries) signal?.addEventListener('abort', this.#left, { once: true })
  }

  /** Settles every caller. Resolves with whether the batch as a whole was answered; never rejects. */
  async run(fn: BatchFunction<T, R>): Promise<boolean> {
    try {
      const inputs = this.#entries.map(({ input }) => input)
      const results = await fn(inputs, { signal: this.#controller.signal })
      if (!Array.isArray(results) || results.length !== inputs.length) {
        throw answerInvalid(this.#name, inputs.length, results)
      }
      for (const [place, entry] of this.#entries.entries()) {
        const result = results[place] as R | Error
        if (result instanceof Error) entry.reject(result)
        else entry.resolve(result)
      }
      return true
    } catch (error) {
      for (const { reject } of this.#entries) reject(error)
      return false
    } finally {
      for (const { leave, signal } of this.#entries) {
        leave?.()
        signal?.removeEventListener('abort', this.#left)
      }
    }
  }

  readonly #left = (): void => {
    if (++this.#leftCount === this.#entries.length) {
      this.#controller.abort(
        new DOMException('No caller of the batch waits any more', 'AbortError'),
      )
    }
  }
}

function answerInvalid(name: string, expected: number, results: unknown): HotpathError {
  const got = Array.isArray(results) ? `${results.length} results` : `no array (${typeof results})`
  return new HotpathError(
    'HOTPATH_BATCH_ANSWER_INVALID',
    `${name}: the batch function was given ${expected} inputs and answered with ${got}. It must ` +
      'return one result or Error for each input, in the same order',
  )
}
