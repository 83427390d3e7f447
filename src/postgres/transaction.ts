import pg from 'pg'
import type { Clock } from '../core/index.ts'
import type { LentClient } from './borrow.ts'
import { commitOutcomeUnknown, queryInvalid, transactionTimedOut } from './errors.ts'
import {
  backOff,
  resolveTransactionOptions,
  type TransactionOptions,
} from './transaction-options.ts'
import { TransactionSession } from './transaction-session.ts'
import type { Transaction } from './types.ts'

/** Where transactions run. */
export interface TransactionHost {
  readonly name: string
  readonly clock: Clock
  readonly commandTimeoutMs: number | false
  connect(): Promise<LentClient>
}

/** Runs `pool.transaction`. */
export async function runTransaction<T>(
  host: TransactionHost,
  work: (tx: Transaction) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const resolved = resolveTransactionOptions(options, host.commandTimeoutMs)
  if (typeof work !== 'function') throw queryInvalid('pool.transaction needs a function')
  const { begin, retries, signal, timeoutMs } = resolved
  const stop = new AbortController()
  const abort = () => stop.abort(signal?.reason)
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })
  const timer =
    timeoutMs === false
      ? undefined
      : host.clock.after(timeoutMs, () => stop.abort(transactionTimedOut(timeoutMs)))
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        return await attemptOnce(host, begin, work, stop.signal)
      } catch (error) {
        if (stop.signal.aborted || attempt >= retries || !mayRetry(error)) throw error
      }
      await backOff(host.clock, attempt, stop.signal)
    }
  } finally {
    timer?.cancel()
    signal?.removeEventListener('abort', abort)
  }
}

async function attemptOnce<T>(
  host: TransactionHost,
  begin: string,
  work: (tx: Transaction) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const client = await borrow(host, signal)
  const session = new TransactionSession(client, host, signal)
  try {
    const result = await session.within(begin, work)
    await commit(session)
    client.release()
    return result
  } catch (error) {
    await session.rollBack()
    // A connection of which nobody knows what it is doing must not go to somebody else.
    client.release(!session.isClean)
    // What was aborted fails in many ways; its caller knows only why he aborted it.
    const isAborted = signal.aborted && !session.isCommitSent
    throw isAborted ? signal.reason : error
  }
}

async function commit(session: TransactionSession): Promise<void> {
  let command: string
  try {
    command = await session.commit()
  } catch (error) {
    // The server rolls back what it reports as an error. Everything else means that its answer was
    // lost, or that it was stopped while it committed.
    if (error instanceof pg.DatabaseError && error.severity === 'ERROR') throw error
    session.isBroken = true
    throw commitOutcomeUnknown(error)
  }
  // COMMIT rolls back, without an error, a transaction in which a query failed.
  if (command !== 'COMMIT') throw queryInvalid('the transaction had failed and was rolled back')
}

// A borrower cannot leave the line: his client is given back when it comes.
async function borrow(host: TransactionHost, signal: AbortSignal): Promise<LentClient> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const giveUp = () => reject(signal.reason)
  signal.addEventListener('abort', giveUp, { once: true })
  const coming = host.connect()
  try {
    return await Promise.race([coming, aborted])
  } catch (error) {
    coming.then(
      (client) => client.release(),
      () => {},
    )
    throw error
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

const retried = new Set(['40001', '40P01'])

// Libraries wrap the errors of pg, and keep them as the cause.
function mayRetry(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 10; at = at.cause, depth++) {
    if ('code' in at && at.code === 'HOTPATH_POSTGRES_OUTCOME_UNKNOWN') return false
    if ('code' in at && retried.has(String(at.code))) return true
  }
  return false
}
