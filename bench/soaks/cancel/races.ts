import { setTimeout as elapse } from 'node:timers/promises'
import type { createPool, PostgresPool } from 'hotpath/postgres'
import { createRandom, type Random } from '../pool-churn/random.ts'

/** What {@link race} works with. */
export interface RaceOptions {
  readonly createPool: typeof createPool
  readonly url: string
  readonly count: number
  readonly seed: number
  readonly progress?: (done: number) => void
}

/** What came of it. */
export interface RaceOutcome {
  /** How the raced queries ended. */
  cancelled: number
  answered: number
  unknown: number
  /** Queries of other callers, all of which must be answered. */
  bystanders: number
  /** Requests to the server to cancel something. */
  cancels: number
  readonly failures: string[]
}

const racedPerRound = 8
const bystandersPerRound = 16

// Each note is one row; the nap makes the end of the query and the end of the caller's patience meet.
const insertText = 'insert into races select $1::int from pg_sleep($2::float8) returning id'
// Writes as well, but looks like a read.
const callText = 'select note_race($1, $2) as id'
const readText = 'select $1::int as id from pg_sleep($2::float8)'
const schema = `
  drop table if exists races;
  create table races (id int primary key);
  create or replace function note_race(id int, nap float8) returns int language sql
    as 'insert into races select $1 from pg_sleep($2) returning id'`

/**
 * Gives up on queries at about the time when they end, while others use the same connections. Every
 * raced query ends one way or the other, and the table tells whether its caller was told the truth.
 */
export async function race(options: RaceOptions): Promise<RaceOutcome> {
  const { createPool, url, count, seed, progress } = options
  const pool = createPool(url, { maxConnections: 3, minConnections: 3 })
  const random = createRandom(seed)
  const outcome: RaceOutcome = {
    cancelled: 0,
    answered: 0,
    unknown: 0,
    bystanders: 0,
    cancels: 0,
    failures: [],
  }
  const site: Site = { pool, random, outcome, notes: new Map() }
  try {
    await pool.query(schema)
    for (let done = 0; done < count; done += racedPerRound) {
      const raced = Array.from({ length: racedPerRound }, (_, i) => raceOne(site, done + i))
      const others = Array.from({ length: bystandersPerRound }, (_, i) =>
        standBy(site, -1 - done * bystandersPerRound - i),
      )
      await Promise.all([...raced, ...others])
      progress?.(done)
    }
    await checkNotes(site)
    outcome.cancels = pool.stats().cancels
  } finally {
    await pool.end()
  }
  return outcome
}

interface Site {
  readonly pool: PostgresPool
  readonly random: Random
  readonly outcome: RaceOutcome
  /** Whether a note must be in the table; undefined where nobody knows. */
  readonly notes: Map<number, boolean | undefined>
}

function noteText(random: Random): string {
  return random.below(2) === 0 ? insertText : callText
}

async function raceOne({ pool, random, outcome, notes }: Site, id: number): Promise<void> {
  const isNote = random.below(2) === 0
  const text = isNote ? noteText(random) : readText
  const values = [id, random.below(4) / 1_000]
  const patienceMs = 1 + random.below(4)
  const controller = new AbortController()
  const isTimed = random.below(2) === 0
  if (!isTimed) void elapse(patienceMs).then(() => controller.abort())
  try {
    const limit = isTimed ? { timeoutMs: patienceMs } : { signal: controller.signal }
    const { rows } = await pool.query<{ id: number }>({ text, values, ...limit })
    if (rows[0]?.id !== id) outcome.failures.push(`${id} was answered ${JSON.stringify(rows)}`)
    outcome.answered++
    if (isNote) notes.set(id, true)
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (code === 'HOTPATH_POSTGRES_OUTCOME_UNKNOWN') {
      outcome.unknown++
      if (isNote) notes.set(id, undefined)
    } else if (code === 'HOTPATH_POSTGRES_QUERY_TIMEOUT' || error === controller.signal.reason) {
      outcome.cancelled++
      if (isNote) notes.set(id, false)
    } else {
      outcome.failures.push(`raced query ${id}: ${String(error)}`)
    }
  }
}

async function standBy({ pool, random, outcome, notes }: Site, id: number): Promise<void> {
  const isNote = random.below(4) === 0
  await elapse(random.below(5))
  try {
    const values = [id, random.below(2) / 1_000]
    const { rows } = await pool.query<{ id: number }>(isNote ? noteText(random) : readText, values)
    outcome.bystanders++
    if (isNote) notes.set(id, true)
    if (rows.length === 1 && rows[0]?.id === id) return
    outcome.failures.push(`bystander ${id} was answered ${JSON.stringify(rows)}`)
  } catch (error) {
    outcome.failures.push(`bystander ${id}: ${String(error)}`)
  }
}

async function checkNotes({ pool, outcome, notes }: Site): Promise<void> {
  const { rows } = await pool.query<{ id: number }>('select id from races')
  const written = new Set(rows.map(({ id }) => id))
  for (const [id, isExpected] of notes) {
    if (isExpected === undefined || written.has(id) === isExpected) continue
    outcome.failures.push(`note ${id} was ${isExpected ? 'confirmed' : 'cancelled'} and is not`)
  }
}
