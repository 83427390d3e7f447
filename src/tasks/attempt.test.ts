import { describe, expect, test } from 'vitest'
import { createManualClock } from '../core/index.ts'
import { Attempt } from './attempt.ts'
import { resolveDefinition, type TaskContext } from './definition.ts'

function begin(
  run: (context: TaskContext) => unknown,
  options: object = {},
  attempt = 1,
  store = async () => {},
) {
  const clock = createManualClock()
  const stored: string[] = []
  const told: string[] = []
  const definition = { run: (_: unknown, context: TaskContext) => run(context), ...options }
  const claim = {
    id: 'id',
    name: 't',
    input: '{"n":1}',
    attempt,
    enqueuedMs: 0,
    transaction: undefined,
    progress(json: string) {
      stored.push(json)
      return store()
    },
  }
  const execution = new Attempt(resolveDefinition('t', definition), claim, {
    clock,
    maxResultBytes: 1_000,
    abandoned: () => told.push('abandoned'),
    returned: () => told.push('returned'),
    recorded: (_, { state }, isStored) => told.push(`${state} ${isStored}`),
  })
  return { clock, execution, stored, told }
}

const never = () => new Promise<never>(() => {})
const listening = ({ signal }: TaskContext) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error))
  })

describe('an attempt', () => {
  test('ends as what its handler returned', async () => {
    const { execution } = begin(async () => ({ ok: true }))
    expect(await execution.outcome).toEqual({ state: 'completed', result: '{"ok":true}' })
  })

  test('that failed is tried again after a wait between half of the backoff and the whole', async () => {
    const fail = () => {
      throw new Error('no')
    }
    for (const [attempt, wholeMs] of [
      [1, 100],
      [2, 200],
      [3, 300],
    ] as const) {
      const backoff = { firstMs: 100, maxMs: 300 }
      const { execution } = begin(fail, { retries: 3, backoff }, attempt)
      const outcome = await execution.outcome
      expect(outcome).toMatchObject({ state: 'failed', error: { message: 'no' } })
      const { retryInMs = 0 } = outcome as { retryInMs?: number }
      expect(retryInMs).toBeGreaterThanOrEqual(wholeMs / 2)
      expect(retryInMs).toBeLessThanOrEqual(wholeMs)
    }
    const last = begin(fail, { retries: 3 }, 4)
    expect(await last.execution.outcome).toMatchObject({ retryInMs: undefined })
  })

  test('that takes too long has failed, whatever its handler makes of the abort', async () => {
    for (const run of [listening, never, ({ signal }: TaskContext) => signal.aborted || never()]) {
      const { clock, execution } = begin(run, { timeoutMs: 1_000 })
      clock.advance(1_000)
      clock.advance(250)
      const outcome = await execution.outcome
      expect(outcome).toMatchObject({ error: { code: 'HOTPATH_TASKS_TIMEOUT' } })
    }
  })

  test('whose handler returns after the time limit has failed all the same', async () => {
    const late = Promise.withResolvers<string>()
    const { clock, execution } = begin(() => late.promise, { timeoutMs: 1_000 })
    clock.advance(1_000)
    late.resolve('late')
    expect(await execution.outcome).toMatchObject({ state: 'failed' })
  })

  test('that has returned is not late because its last progress is stored slowly', async () => {
    const slow = Promise.withResolvers<void>()
    const run = ({ progress }: TaskContext) => progress(1) ?? 'done'
    const { clock, execution } = begin(run, { timeoutMs: 1_000 }, 1, () => slow.promise)
    await Promise.resolve()
    await Promise.resolve()
    clock.advance(2_000)
    execution.stop('closing')
    clock.advance(2_000)
    slow.resolve()
    expect(await execution.outcome).toEqual({ state: 'completed', result: '"done"' })
  })

  test('that is cancelled aborts, and what it returns is dropped', async () => {
    const reasons: unknown[] = []
    const { execution } = begin(
      ({ signal }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason)
            resolve('done')
          })
        }),
    )
    execution.stop('cancelled')
    expect(await execution.outcome).toEqual({ state: 'stopped', reason: 'cancelled' })
    expect(reasons).toMatchObject([{ code: 'HOTPATH_TASKS_CANCELLED' }])
  })

  test('that is stopped while the process closes may still end well, or is handed back', async () => {
    const quick = begin(
      ({ signal }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve('just in time'))
        }),
    )
    quick.execution.stop('closing')
    expect(await quick.execution.outcome).toEqual({ state: 'completed', result: '"just in time"' })
    const deaf = begin(never)
    deaf.execution.stop('closing')
    deaf.clock.advance(250)
    expect(await deaf.execution.outcome).toEqual({ state: 'stopped', reason: 'closing' })
    expect(deaf.told).toEqual(['abandoned'])
  })

  test('a signal that is asked for late is aborted already', async () => {
    const context = Promise.withResolvers<TaskContext>()
    const { execution } = begin((given) => {
      context.resolve(given)
      return never()
    })
    const given = await context.promise
    execution.stop('lost')
    expect(given.signal.reason).toMatchObject({ code: 'HOTPATH_TASKS_LEASE_LOST' })
  })

  test('stores progress at once, then a few times a second, the last word before the end', async () => {
    const more = Promise.withResolvers<void>()
    const { clock, execution, stored } = begin(async ({ progress }) => {
      for (let n = 0; n <= 9; n++) progress(n)
      await more.promise
      progress('last')
    })
    expect(stored).toEqual(['0'])
    await Promise.resolve()
    await Promise.resolve()
    clock.advance(250)
    expect(stored).toEqual(['0', '9'])
    more.resolve()
    await execution.outcome
    expect(stored).toEqual(['0', '9', '"last"'])
  })
})
