import type { PostgresPool } from 'hotpath/postgres'
import type { PoolClient } from 'pg'
import type { Ledger } from './ledger.ts'
import type { Random } from './random.ts'

export const accountCount = 64

/** What a call works with. */
export interface Scene {
  readonly pool: PostgresPool
  readonly ledger: Ledger
  readonly random: Random
  /** The number of this call, which no other has. */
  readonly id: number
}

/** One way to use a pool. It reports what is wrong, and throws what went wrong. */
export type Call = (scene: Scene) => Promise<void>

// In a transaction of ours this setting holds the number of the call that opened it; outside it is
// empty. Whoever reads a number that is not his own has got into somebody else's transaction.
const owner = `coalesce(current_setting('churn.owner', true), '') as owner`
const lookupText = `select id, $2::int as echo, ${owner} from churn_accounts where id = $1`
const noteText = `insert into churn_notes (note) values ($1) returning note, ${owner}`
const longSeconds = 60

/** A read, which may share its connection. */
export const lookup: Call = (scene) => lookUp(scene, undefined)

/** A write that is its own transaction; in the end it must be there once. */
export const note: Call = async ({ pool, ledger, id }) => {
  ledger.doubtfulNotes.add(id)
  const { rows } = await pool.query<NoteRow>(noteText, [id])
  ledger.doubtfulNotes.delete(id)
  ledger.confirmedNotes.add(id)
  checkOwner(ledger, rows[0]?.owner, '')
  if (rows.length !== 1 || rows[0]?.note !== id) {
    ledger.report('wrongResults', `note ${id} came back as ${JSON.stringify(rows)}`)
  }
}

/** SQL errors: the caller hears his own, and the connection stays. */
export const mistake: Call = async ({ pool, ledger, random }) => {
  const [text, code] =
    random.below(2) === 0 ? ['select 1 / $1::int', '22012'] : ['selec $1', '42601']
  await expectFailure(ledger, text, pool.query(text, [0]), (error) => codeOf(error) === code)
}

/** A query that runs out of time: it must end, and end nobody else's. */
export const timeout: Call = async ({ pool, ledger, random }) => {
  const text = `select pg_sleep(${longSeconds})`
  const query = pool.query({ text, timeoutMs: 1 + random.below(8) })
  const code = 'HOTPATH_POSTGRES_QUERY_TIMEOUT'
  await expectFailure(ledger, text, query, (error) => codeOf(error) === code)
}

/** A long query that its caller gives up on, waiting or running. */
export const abort: Call = async ({ pool, ledger, random }) => {
  const text = `select pg_sleep(${longSeconds})`
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), random.below(8))
  const query = pool.query({ text, signal: controller.signal })
  await expectFailure(ledger, text, query, (error) => error === controller.signal.reason).finally(
    () => clearTimeout(timer),
  )
}

/** A quick read that its caller gives up on, often too late: it ends one way or the other. */
export const lateAbort: Call = async (scene) => {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), scene.random.below(3))
  try {
    await lookUp(scene, controller.signal)
  } catch (error) {
    if (error !== controller.signal.reason) throw error
  } finally {
    clearTimeout(timer)
  }
}

/** A transaction that moves money between two accounts, and is committed or rolled back. */
export const transfer: Call = async (scene) => {
  const client = await scene.pool.connect()
  let fate: Error | undefined
  try {
    await move(client, scene)
    await client.query(scene.random.below(4) === 0 ? 'rollback' : 'commit')
  } catch (error) {
    fate = error as Error
    throw error
  } finally {
    client.release(fate)
  }
}

/** A transaction that is left open, by a borrower who may not even wait for his last query. */
export const abandon: Call = async (scene) => {
  const client = await scene.pool.connect()
  try {
    await move(client, scene)
    if (scene.random.below(2) === 0) {
      client.query('select pg_sleep(0.002)').catch(() => {})
    }
  } finally {
    client.release(scene.random.below(8) === 0)
  }
}

/** Those that work on a client of their own. */
export const borrowing: ReadonlySet<Call> = new Set([transfer, abandon])

interface LookupRow {
  id: number
  echo: number
  owner: string
}

interface NoteRow {
  note: number
  owner: string
}

async function lookUp(scene: Scene, signal: AbortSignal | undefined): Promise<void> {
  const { pool, ledger, random, id } = scene
  const account = 1 + random.below(accountCount)
  const { rows } = await pool.query<LookupRow>({ text: lookupText, values: [account, id], signal })
  checkOwner(ledger, rows[0]?.owner, '')
  if (rows.length !== 1 || rows[0]?.id !== account || rows[0].echo !== id) {
    ledger.report('wrongResults', `call ${id} asked for ${account}, got ${JSON.stringify(rows)}`)
  }
}

async function move(client: PoolClient, { ledger, random, id }: Scene): Promise<void> {
  // In the order of their numbers, so that two transfers do not wait for each other in a circle.
  const from = 1 + random.below(accountCount - 1)
  const to = from + 1 + random.below(accountCount - from)
  const amount = random.below(100)
  const update = 'update churn_accounts set balance = balance + $2 where id = $1'
  await client.query('begin')
  await client.query(`select set_config('churn.owner', $1, true)`, [String(id)])
  await client.query(update, [from, -amount])
  await client.query(update, [to, amount])
  const { rows } = await client.query<{ owner: string }>(`select ${owner}`)
  checkOwner(ledger, rows[0]?.owner, String(id))
}

function checkOwner(ledger: Ledger, found: string | undefined, expected: string): void {
  if (found === expected) return
  ledger.report('foreignTransactions', `"${found}" owns the transaction, not "${expected}"`)
}

async function expectFailure(
  ledger: Ledger,
  text: string,
  query: Promise<unknown>,
  isExpected: (error: unknown) => boolean,
): Promise<void> {
  let answer: unknown
  try {
    answer = await query
  } catch (error) {
    if (isExpected(error)) return
    throw error
  }
  ledger.report('wrongResults', `"${text}" was answered by ${JSON.stringify(answer)}`)
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code
}
