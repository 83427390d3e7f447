import { setTimeout as elapse } from 'node:timers/promises'
import type { createPool } from 'hotpath/postgres'
import { Client } from 'pg'

/** What {@link giveUp} works with. */
export interface GiveUpOptions {
  readonly createPool: typeof createPool
  readonly url: string
  readonly count: number
  readonly progress?: (done: number) => void
}

/** What came of it. */
export interface GiveUpOutcome {
  /** From the end of each caller's patience to when the server no longer ran his query. */
  readonly goneMs: number[]
  /** How many backends were there afterwards, the same process, to be used again. */
  readonly kept: number
  /** Notes that are in the table although their writers gave up. */
  readonly leftNotes: number
  readonly failures: string[]
}

const lanes = 2
const patienceMs = 20
// Nothing here takes a second; what does is over only because its connection was cut.
const lostMs = 5_000

/**
 * Runs queries that would take a minute, half reads and half writes, and gives up on them: every
 * second one by a time limit, the others by a signal. Watches from a connection of its own what the
 * server does about it.
 */
export async function giveUp(options: GiveUpOptions): Promise<GiveUpOutcome> {
  const { url, count, progress } = options
  const outcome = { goneMs: [] as number[], kept: 0, leftNotes: 0, failures: [] as string[] }
  const watcher = new Client({ connectionString: url })
  await watcher.connect()
  await watcher.query('drop table if exists give_ups; create table give_ups (id int not null)')
  const pool = options.createPool(url, { maxConnections: lanes, minConnections: lanes })

  async function backendOf(text: string): Promise<number | undefined> {
    const { rows } = await watcher.query<{ pid: number }>(
      "select pid from pg_stat_activity where state = 'active' and query = $1",
      [text],
    )
    return rows[0]?.pid
  }

  async function one(id: number): Promise<void> {
    const isTimed = id % 2 === 0
    // A text of its own, by which the watcher knows it.
    const text =
      id % 4 < 2
        ? `select pg_sleep(60) as give_up_${id}`
        : `insert into give_ups select ${id} from pg_sleep(60)`
    const controller = new AbortController()
    const startMs = performance.now()
    const query = pool.query({
      text,
      ...(isTimed ? { timeoutMs: patienceMs } : { signal: controller.signal }),
    })
    const ended = query.then(
      () => outcome.failures.push(`"${text}" was answered`),
      (error: unknown) => {
        const { code, name } = error as { code?: unknown; name?: unknown }
        const isRight = isTimed ? code === 'HOTPATH_POSTGRES_QUERY_TIMEOUT' : name === 'AbortError'
        if (!isRight) outcome.failures.push(`"${text}" ended with ${String(error)}`)
      },
    )

    let pid: number | undefined
    while (pid === undefined && performance.now() - startMs < lostMs) pid = await backendOf(text)
    if (pid === undefined) {
      outcome.failures.push(`"${text}" was never seen on the server`)
      return
    }
    if (!isTimed) controller.abort()
    const goneFromMs = isTimed ? startMs + patienceMs : performance.now()
    while ((await backendOf(text)) !== undefined && performance.now() - goneFromMs < lostMs) {
      await elapse(1)
    }
    outcome.goneMs.push(performance.now() - goneFromMs)
    await ended
    const { rowCount } = await watcher.query('select 1 from pg_stat_activity where pid = $1', [pid])
    if (rowCount === 1) outcome.kept++
  }

  let begun = 0
  async function lane(): Promise<void> {
    while (begun < count) {
      await one(begun++)
      progress?.(begun)
    }
  }

  try {
    // A time limit begins with the sending: nobody may have to wait for a login.
    while (pool.idleCount < lanes) await elapse(1)
    await Promise.all(Array.from({ length: lanes }, lane))
    const { rows } = await watcher.query('select count(*)::int as n from give_ups')
    outcome.leftNotes = rows[0].n
  } finally {
    await pool.end()
    await watcher.end()
  }
  return outcome
}
