import { setImmediate as nextTurn, setTimeout as elapse } from 'node:timers/promises'
import type { PostgresServer } from '@hotpath/services'
import type { createPool, PostgresPool } from 'hotpath/postgres'
import { Client } from 'pg'
import { createRandom, type Random } from '../pool-churn/random.ts'

/** What {@link killServer} works with. */
export interface KillOptions {
  readonly createPool: typeof createPool
  /** It is killed and frozen. */
  readonly postgres: PostgresServer
  readonly kills: number
  readonly seed: number
  readonly progress?: (done: number) => void
}

/** What came of it. */
export interface KillOutcome {
  /** By kind of kill, from when the server was there again to the first call that went well. */
  readonly firstSuccessMs: Record<Kind, number[]>
  /** Calls that were answered. */
  answered: number
  /** Calls that were under way when their connection broke, or ran out of time in the freeze. */
  lost: number
  /** Calls that began when every dead connection was known to be dead, and failed all the same. */
  deadConnections: number
  hungCalls: number
  readonly failures: string[]
}

/** All backends terminated; the server killed and restarted; frozen and thawed. */
export type Kind = 'terminate' | 'kill' | 'freeze'

const kinds: readonly Kind[] = ['terminate', 'kill', 'freeze']
const callers = 8
const application = 'server-kill'
// Longer than any outage here, so that whoever waits for a connection has to be served.
const acquireTimeoutMs = 20_000
const commandTimeoutMs = 400
const hangMs = acquireTimeoutMs + 5_000

/** Takes the server away from callers who never stop calling, again and again. */
export async function killServer(options: KillOptions): Promise<KillOutcome> {
  const { createPool, postgres, kills, progress } = options
  const random = createRandom(options.seed)
  const outcome: KillOutcome = {
    firstSuccessMs: { terminate: [], kill: [], freeze: [] },
    answered: 0,
    lost: 0,
    deadConnections: 0,
    hungCalls: 0,
    failures: [],
  }
  const pool = createPool(
    { connectionString: postgres.url, application_name: application },
    { maxConnections: 4, minConnections: 2, acquireTimeoutMs, commandTimeoutMs },
  )
  const site: Site = { pool, postgres, random, outcome, mustSucceedFromMs: 0, successMs: 0 }
  try {
    await pool.query('create table if not exists survivors (id int)')
    const stop = new AbortController()
    const calling = Promise.all(Array.from({ length: callers }, () => callOn(site, stop.signal)))
    for (let done = 0; done < kills; done++) {
      const kind = kinds[done % kinds.length] ?? 'kill'
      await elapse(random.below(100))
      await takeAway(site, kind)
      const readyMs = performance.now()
      site.mustSucceedFromMs = readyMs
      while (site.successMs < readyMs && performance.now() - readyMs < hangMs) await nextTurn()
      outcome.firstSuccessMs[kind].push(site.successMs - readyMs)
      progress?.(done)
    }
    stop.abort()
    await calling
    const { waiting, inFlight, lent } = pool.stats()
    if (waiting + inFlight + lent > 0) {
      outcome.failures.push(`at the end: ${JSON.stringify({ waiting, inFlight, lent })}`)
    }
  } finally {
    await postgres.thaw()
    await pool.end()
  }
  return outcome
}

interface Site {
  readonly pool: PostgresPool
  readonly postgres: PostgresServer
  readonly random: Random
  readonly outcome: KillOutcome
  /** A call that began at this time or later has no excuse. */
  mustSucceedFromMs: number
  /** When the latest call that went well was answered. */
  successMs: number
}

/** Resolves when the server is there again. */
async function takeAway(site: Site, kind: Kind): Promise<void> {
  const { postgres, random } = site
  site.mustSucceedFromMs = Infinity
  if (kind === 'terminate') {
    await terminateAll(postgres.url)
  } else if (kind === 'freeze') {
    await postgres.freeze()
    await elapse(100 + random.below(1_500))
    await postgres.thaw()
    return
  } else {
    await postgres.kill()
  }
  // The broken sockets are reported in the turns after this one.
  for (let turn = 0; turn < 3; turn++) await nextTurn()
  site.mustSucceedFromMs = performance.now()
  if (kind === 'kill') {
    await elapse(random.below(400))
    await postgres.restart()
  }
}

async function terminateAll(url: string): Promise<void> {
  const admin = new Client({ connectionString: url })
  await admin.connect()
  // With a time to wait it returns when they are gone.
  await admin.query(
    'select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = $1',
    [application],
  )
  await admin.end()
}

async function callOn(site: Site, signal: AbortSignal): Promise<void> {
  for (let id = 0; !signal.aborted; id++) {
    const startMs = performance.now()
    const over = new AbortController()
    const hung = elapse(hangMs, 'hung', { signal: over.signal }).catch(() => {})
    try {
      const ended = await Promise.race([callOnce(site, id), hung])
      if (ended === 'hung') {
        site.outcome.hungCalls++
      } else {
        site.outcome.answered++
        site.successMs = performance.now()
      }
    } catch (error) {
      if (startMs >= site.mustSucceedFromMs) {
        site.outcome.deadConnections++
        report(site, `begun ${performance.now() - startMs} ms ago: ${String(error)}`)
      } else if (isLoss(error)) {
        site.outcome.lost++
      } else {
        report(site, String(error))
      }
    } finally {
      over.abort()
    }
    // Longer than an idle connection is trusted, now and then.
    await elapse(site.random.below(200) === 0 ? 600 : site.random.below(4))
  }
}

async function callOnce({ pool, random }: Site, id: number): Promise<void> {
  const kind = random.below(3)
  if (kind === 0) {
    await pool.query('insert into survivors values ($1)', [id])
  } else if (kind === 1) {
    const { rows } = await pool.query<{ id: number }>('select $1::int as id', [id])
    if (rows[0]?.id !== id) throw new Error(`${id} was answered ${JSON.stringify(rows)}`)
  } else {
    const client = await pool.connect()
    let fate: Error | undefined
    try {
      await client.query({ text: 'select 1', query_timeout: 2_000 } as { text: string })
    } catch (error) {
      fate = error as Error
      throw error
    } finally {
      client.release(fate)
    }
  }
}

function report({ outcome }: Site, what: string): void {
  if (outcome.failures.length < 20) outcome.failures.push(what)
}

const lossCodes: readonly unknown[] = [
  '57P01',
  '57P02',
  'ECONNRESET',
  'EPIPE',
  'HOTPATH_POSTGRES_QUERY_TIMEOUT',
  'HOTPATH_POSTGRES_OUTCOME_UNKNOWN',
]

function isLoss(error: unknown): boolean {
  const { code, message = '' } = error as { code?: string; message?: string }
  return (
    lossCodes.includes(code) ||
    /^(Connection terminated|Query read timeout)|not queryable/.test(message)
  )
}
