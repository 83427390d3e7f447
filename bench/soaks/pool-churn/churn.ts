import type { createPool } from 'hotpath/postgres'
import { Client } from 'pg'
import * as calls from './calls.ts'
import { checkAtRest, checkData, checkEnded, killOne, type Site } from './checks.ts'
import { Ledger } from './ledger.ts'
import { createRandom, type Random } from './random.ts'
import { within } from './within.ts'

/** How a pool is churned. */
export interface ChurnOptions {
  readonly createPool: typeof createPool
  readonly url: string
  readonly operations: number
  readonly seed: number
  readonly progress?: (done: number) => void
}

// How often each call comes, in a hundred.
const mix: readonly (readonly [weight: number, name: string, call: calls.Call])[] = [
  [50, 'lookups', calls.lookup],
  [10, 'notes', calls.note],
  [8, 'mistakes', calls.mistake],
  [4, 'timeouts', calls.timeout],
  [4, 'aborts', calls.abort],
  [8, 'lateAborts', calls.lateAbort],
  [12, 'transfers', calls.transfer],
  [4, 'abandoned', calls.abandon],
]
const callers = 24
const callsPerKill = 250
const maxPipelined = 32
const startBalance = 1_000

/**
 * Uses a pool in every way at once while its server processes are being killed, and looks for wrong
 * answers, forgotten callers, leaked connections and transactions that somebody else gets into.
 */
export async function churn(options: ChurnOptions): Promise<Ledger> {
  const ledger = new Ledger()
  const application = `churn-${options.seed}`
  const admin = new Client({ connectionString: options.url })
  await admin.connect()
  try {
    await prepare(admin)
    const pool = options.createPool(
      { connectionString: options.url, application_name: application },
      { name: application, maxConnections: 6, maxPipelined, maxQueriesPerConnection: 2_000 },
    )
    const site: Site = { pool, ledger, admin, application }
    try {
      await makeCalls(options, site)
      await checkAtRest(site)
    } finally {
      await within(ledger, 'pool.end()', pool.end())
    }
    await checkEnded(site)
    await checkData(site, calls.accountCount * startBalance)
  } finally {
    await admin.end()
  }
  return ledger
}

async function prepare(admin: Client): Promise<void> {
  await admin.query(`
    drop table if exists churn_accounts, churn_notes;
    create table churn_accounts (id int primary key, balance int not null);
    create table churn_notes (note int not null);
    insert into churn_accounts
      select id, ${startBalance} from generate_series(1, ${calls.accountCount}) as id`)
}

async function makeCalls(options: ChurnOptions, site: Site): Promise<void> {
  const { operations, seed, progress } = options
  const { pool, ledger } = site
  const random = createRandom(seed)
  let made = 0
  let killing: Promise<void> | undefined

  async function kill(): Promise<void> {
    if (await killOne(site)) ledger.kills++
    killing = undefined
  }

  async function caller(): Promise<void> {
    while (made < operations) {
      const id = ++made
      if (id % callsPerKill === 0) killing ??= kill()
      const [name, call] = choose(random)
      ledger.calls[name] = (ledger.calls[name] ?? 0) + 1
      const answer = call({ pool, ledger, random, id })
      await within(ledger, `call ${id} (${name})`, answer, calls.borrowing.has(call))
      progress?.(id)
    }
  }

  await Promise.all(Array.from({ length: callers }, caller))
  await killing
  if (ledger.lost > ledger.kills * maxPipelined) {
    ledger.report('unexpectedErrors', `${ledger.lost} calls lost by ${ledger.kills} kills`)
  }
}

function choose(random: Random): [name: string, call: calls.Call] {
  let ticket = random.below(100)
  for (const [weight, name, call] of mix) {
    if (ticket < weight) return [name, call]
    ticket -= weight
  }
  throw new Error('the weights of the mix do not add up to 100')
}
