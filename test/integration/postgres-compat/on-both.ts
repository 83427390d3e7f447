import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPool } from '../../../src/postgres/index.ts'
import { useDatabase } from '../../services.ts'

/** Operations by name. They run in this order, each on what those before it have left. */
export type Operations<Subject> = Readonly<Record<string, (subject: Subject) => Promise<unknown>>>

/**
 * Runs the operations on pg.Pool and on a pool of ours, each with a database of its own, and expects
 * the same result or the same error of each.
 *
 * @param essence - takes out of a result what differs from run to run
 */
export async function expectTheSame<Subject>(
  open: (pool: pg.Pool) => Promise<Subject>,
  operations: Operations<Subject>,
  essence: (result: unknown) => unknown = withoutInnards,
): Promise<void> {
  const databases = [await useDatabase(), await useDatabase()] as const
  const theirs = new pg.Pool({ connectionString: databases[0].url, max: 4 })
  const ours = createPool(databases[1].url, { maxConnections: 4 })
  const outcomes: Record<string, unknown>[] = []

  beforeAll(async () => {
    for (const pool of [theirs, ours]) {
      const subject = await open(pool)
      const outcome: Record<string, unknown> = {}
      for (const [name, operation] of Object.entries(operations)) {
        outcome[name] = await operation(subject).then(essence, (error: Error) => ({
          error: (error.cause as { code?: string } | undefined)?.code ?? code(error),
        }))
      }
      outcomes.push(outcome)
    }
  })

  afterAll(async () => {
    await theirs.end()
    await ours.end()
  })

  test('there are enough of them', () => {
    expect(Object.keys(operations).length).toBeGreaterThanOrEqual(30)
  })

  test.each(Object.keys(operations))('%s', (name) => {
    const [expected, actual] = outcomes
    expect(actual?.[name]).toEqual(expected?.[name])
  })

  test('every client came back, and no connection was lost to an error', () => {
    const { lent, waiting, inFlight, opened, connections } = ours.stats()
    expect({ lent, waiting, inFlight }).toEqual({ lent: 0, waiting: 0, inFlight: 0 })
    expect(opened).toBe(connections)
  })
}

function code(error: Error): string {
  return (error as { code?: string }).code ?? error.message
}

// pg's results carry the parsers of their connection with them.
function withoutInnards(result: unknown): unknown {
  if (Array.isArray(result)) return result.map(withoutInnards)
  if (!(typeof result === 'object' && result !== null && 'fields' in result)) return result
  const { rows, rowCount, command, fields } = result as pg.QueryResult
  return {
    rows,
    rowCount,
    command,
    fields: fields.map(({ name, dataTypeID }) => [name, dataTypeID]),
  }
}
