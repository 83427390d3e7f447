import { inspect } from 'node:util'
import { queryInvalid } from './errors.ts'
import type { KeyName } from './loader-key.ts'

/**
 * Answers a batch of keys: one result for each key, in the order of the keys. An `Error` among the
 * results is thrown to those who asked for that key, and to nobody else.
 */
export type BatchFunction<Key, Value> = (
  keys: readonly Key[],
  context: {
    /** Aborts when nobody waits for any of the keys any more. */
    readonly signal: AbortSignal
  },
) => Promise<readonly (Value | Error)[]>

/** A key that was asked for, with those who wait for its value. */
export class Entry<Key, Value> {
  readonly key: Key
  readonly name: KeyName
  readonly answer: PromiseWithResolvers<Value> = Promise.withResolvers()
  /** Those who wait; who gives up is taken off. */
  waiting = 0
  /** Where it was put; undefined for a value that was primed. */
  batch: Batch<Key, Value> | undefined

  constructor(key: Key, name: KeyName) {
    this.key = key
    this.name = name
    // Everybody who waits has handlers of his own; when all have given up, nobody has.
    this.answer.promise.catch(() => {})
  }
}

/** Keys that are asked for together. */
export class Batch<Key, Value> {
  readonly entries: Entry<Key, Value>[] = []
  readonly #abort = new AbortController()

  add(entry: Entry<Key, Value>): void {
    entry.batch = this
    this.entries.push(entry)
  }

  /** One who waited has given up; when he was the last, so does the batch. */
  gaveUp(): void {
    if (this.entries.every(({ waiting }) => waiting === 0)) this.#abort.abort()
  }

  /** Asks for all keys that somebody still waits for; resolves with those that failed. */
  async run(batch: BatchFunction<Key, Value>): Promise<readonly Entry<Key, Value>[]> {
    const wanted = this.entries.filter(({ waiting }) => waiting > 0)
    if (wanted.length === 0) return []
    try {
      const keys = wanted.map(({ key }) => key)
      const results = await batch(keys, { signal: this.#abort.signal })
      checkResults(results, keys.length)
      return settle(wanted, results)
    } catch (error) {
      for (const { answer } of wanted) answer.reject(error)
      return wanted
    }
  }
}

// Returns those that have failed.
function settle<Key, Value>(
  entries: readonly Entry<Key, Value>[],
  results: readonly (Value | Error)[],
): Entry<Key, Value>[] {
  return entries.filter(({ answer }, index) => {
    const result = results[index] as Value | Error
    if (result instanceof Error) answer.reject(result)
    else answer.resolve(result)
    return result instanceof Error
  })
}

function checkResults(results: unknown, count: number): void {
  if (Array.isArray(results) && results.length === count) return
  const came = Array.isArray(results) ? `${results.length}` : inspect(results, { depth: 0 })
  throw queryInvalid(
    `the batch function of a loader must resolve with one result for each of its ${count} keys, in ` +
      `their order, not with ${came}; give undefined for a key that has nothing`,
  )
}
