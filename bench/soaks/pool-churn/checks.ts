import type { Client } from 'pg'
import type { PostgresPool } from 'hotpath/postgres'
import type { Ledger } from './ledger.ts'
import { until } from './within.ts'

/** A pool, and the view of it from the server's side. */
export interface Site {
  readonly pool: PostgresPool
  readonly ledger: Ledger
  /** A connection of its own to the same database. */
  readonly admin: Client
  /** The `application_name` of the pool's connections. */
  readonly application: string
}

/** When nobody asks for anything, the pool and the server must agree on what stands, all of it idle. */
export async function checkAtRest(site: Site): Promise<void> {
  const { pool, ledger } = site
  const isAtRest = async () => {
    const { inFlight, waiting, lent, opening, idle, connections } = pool.stats()
    if (inFlight + waiting + lent + opening > 0 || idle !== connections) return false
    const standing = await sessions(site)
    return standing.length === connections && standing.every(({ state }) => state === 'idle')
  }
  if (await until(isAtRest)) return
  const states = [pool.stats(), await sessions(site)]
  ledger.report('leaks', `pool and server do not come to rest: ${JSON.stringify(states)}`)
}

/** After the end of the pool no connection of it may stand. */
export async function checkEnded(site: Site): Promise<void> {
  if (await until(async () => (await sessions(site)).length === 0)) return
  const standing = JSON.stringify(await sessions(site))
  site.ledger.report('leaks', `open after the pool was ended: ${standing}`)
}

/** No money was made or lost, and every note that was confirmed is there, once. */
export async function checkData({ admin, ledger }: Site, expectedSum: number): Promise<void> {
  const { rows: sums } = await admin.query<{ sum: number }>(
    'select sum(balance)::int as sum from churn_accounts',
  )
  if (sums[0]?.sum !== expectedSum) {
    ledger.report('foreignTransactions', `the accounts hold ${sums[0]?.sum}, not ${expectedSum}`)
  }

  const { rows: notes } = await admin.query<{ note: number; count: number }>(
    'select note, count(*)::int as count from churn_notes group by note',
  )
  const unseen = new Set(ledger.confirmedNotes)
  for (const { note, count } of notes) {
    const wasConfirmed = unseen.delete(note)
    if (count > 1) ledger.report('wrongResults', `note ${note} is there ${count} times`)
    if (wasConfirmed || ledger.doubtfulNotes.has(note)) continue
    ledger.report('wrongResults', `note ${note} is there and nobody wrote it`)
  }
  for (const note of unseen) {
    ledger.report('wrongResults', `note ${note} was confirmed and is not there`)
  }
}

/** Ends one of the pool's server processes; false when there was none. */
export async function killOne({ admin, application }: Site): Promise<boolean> {
  const { rowCount } = await admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = $1 order by random() limit 1`,
    [application],
  )
  return rowCount === 1
}

interface Session {
  state: string
  query: string
}

async function sessions({ admin, application }: Site): Promise<Session[]> {
  const { rows } = await admin.query<Session>(
    'select state, query from pg_stat_activity where application_name = $1',
    [application],
  )
  return rows
}
