import { invalid, knownOptions, nonEmptyString } from '../core/index.ts'
import { checkPriority, type ResolvedDefinition } from './definition.ts'
import type { NewTask, ScheduleTick } from './engine.ts'
import { toJson } from './json.ts'
import { validate } from './schema.ts'
import type { EnqueueOptions } from './task.ts'

// A worker that dies is seldom the fault of its tasks: they are begun again so often at least.
const leastRecoveries = 3

const maxDelayMs = 10 * 365 * 86_400_000
const maxKeyLength = 500
const optionNames: readonly (keyof EnqueueOptions)[] = [
  'delayMs',
  'priority',
  'uniqueKey',
  'transaction',
]

/** Makes of an input what is stored. */
export class Submission {
  readonly #definition: ResolvedDefinition
  readonly #maxInputBytes: number

  constructor(definition: ResolvedDefinition, maxInputBytes: number) {
    this.#definition = definition
    this.#maxInputBytes = maxInputBytes
  }

  /** @throws HotpathError HOTPATH_TASKS_INPUT_INVALID, HOTPATH_OPTION_INVALID */
  async prepare(
    input: unknown,
    options: Omit<EnqueueOptions, 'transaction'>,
    tick?: ScheduleTick,
  ): Promise<NewTask> {
    knownOptions('enqueue', options, optionNames)
    const { name, uniqueBy, retries, resultTtlMs, deadLetterTtlMs } = this.#definition
    const { delayMs = 0, priority = this.#definition.priority } = options
    const json = await this.#write(input)
    return {
      name,
      input: json,
      delayMs: checkDelay(delayMs),
      priority: checkPriority(priority),
      uniqueKey: checkKey(options.uniqueKey ?? uniqueBy?.(input)),
      maxAttempts: 1 + Math.max(retries, leastRecoveries),
      resultTtlMs,
      deadLetterTtlMs,
      tick,
    }
  }

  async #write(input: unknown): Promise<string> {
    const code = 'HOTPATH_TASKS_INPUT_INVALID'
    const what = `the input of the task ${this.#definition.name}`
    const maxBytes = this.#maxInputBytes
    const json = toJson(input, { code, what, maxBytes, limitName: 'maxInputBytes' })
    const { input: schema } = this.#definition
    // As the handler will see it: a Date that the schema would let pass is a string by then.
    if (schema !== undefined) await validate(schema, JSON.parse(json), code, what)
    return json
  }
}

function checkDelay(delayMs: number): number {
  if (!(delayMs >= 0 && delayMs <= maxDelayMs)) {
    invalid('delayMs', 'a duration in milliseconds, of ten years at most', delayMs)
  }
  return delayMs
}

function checkKey(key: string | undefined): string | undefined {
  if (key === undefined) return undefined
  if (nonEmptyString('uniqueKey', key).length > maxKeyLength) {
    invalid('uniqueKey', `of ${maxKeyLength} characters at most; hash what is longer`, key)
  }
  return key
}
