import { HotpathError } from '../core/index.ts'
import type { Surrender } from './flight.ts'

export function poolExhausted(waitedMs: number, state: PoolState): HotpathError {
  return new HotpathError(
    'HOTPATH_POSTGRES_POOL_EXHAUSTED',
    `no connection in ${Math.round(waitedMs)} ms (${describe(state)}); ` +
      'shorten what holds connections, or raise maxConnections',
  )
}

export function queueFull(maxWaiting: number, state: PoolState): HotpathError {
  return new HotpathError(
    'HOTPATH_POSTGRES_POOL_EXHAUSTED',
    `already ${maxWaiting} waiting for a connection (${describe(state)}); ` +
      'limit what comes in, or raise maxConnections or maxWaiting',
  )
}

/** What an exhausted pool was busy with. */
export interface PoolState {
  readonly busy: number
  readonly lent: number
  readonly waiting: number
}

export function connectFailed(cause: Error): HotpathError {
  return new HotpathError(
    'HOTPATH_POSTGRES_CONNECT_FAILED',
    `could not connect to PostgreSQL: ${messageOf(cause)}; check the address, the login and that the server takes more connections`,
    { cause },
  )
}

export function poolClosed(name: string): HotpathError {
  return new HotpathError(
    'HOTPATH_COMPONENT_CLOSED',
    `the pool "${name}" has been ended; make a new one, or end it later`,
  )
}

export function queryInvalid(problem: string): HotpathError {
  return new HotpathError('HOTPATH_POSTGRES_QUERY_INVALID', problem)
}

export function transactionOutsideClient(text: string): HotpathError {
  return queryInvalid(
    `${excerpt(text)} has no meaning on a pool, whose next query may run on another connection; ` +
      'take a client from pool.connect() for it',
  )
}

export function copyAsText(text: string): HotpathError {
  return queryInvalid(
    `${excerpt(text)} moves its rows beside the query; use copyInto(table, columns) or ` +
      'pool.copyFrom(table), or give pool.query a stream of pg-copy-streams',
  )
}

export function leftTransactionOpen(text: string): HotpathError {
  return queryInvalid(
    `${excerpt(text)} left a transaction open, which was rolled back; ` +
      'run transactions on a client from pool.connect()',
  )
}

export function transactionTimedOut(limitMs: number): HotpathError {
  return new HotpathError(
    'HOTPATH_POSTGRES_QUERY_TIMEOUT',
    `the transaction took longer than ${limitMs} ms and was rolled back; ` +
      'keep other I/O out of it, or give it a longer timeoutMs',
  )
}

export function commitOutcomeUnknown(cause: unknown): HotpathError {
  return new HotpathError(
    'HOTPATH_POSTGRES_OUTCOME_UNKNOWN',
    'the transaction may or may not have been committed: COMMIT was sent, and its answer did not ' +
      'come; look before you repeat it',
    { cause },
  )
}

export function copyOutcomeUnknown(cause: unknown): HotpathError {
  return new HotpathError(
    'HOTPATH_POSTGRES_OUTCOME_UNKNOWN',
    'the rows of the COPY may or may not be in the table: its end was sent, and the answer did not ' +
      'come; look before you repeat it',
    { cause },
  )
}

/** @param limit - what ran out, such as `30000 ms` */
export function timedOut(text: string, limit: string): Surrender {
  return {
    cancelled: new HotpathError(
      'HOTPATH_POSTGRES_QUERY_TIMEOUT',
      `${excerpt(text)} took longer than ${limit} and was cancelled on the server; ` +
        'make it faster, or give it a longer timeoutMs',
    ),
    partial: outcomeUnknown(text, `it took longer than ${limit}`, mayHaveCommitted, undefined),
    unknown: outcomeUnknown(text, `it took longer than ${limit}`, saidNothing, undefined),
  }
}

export function aborted(text: string, reason: Error): Surrender {
  return {
    cancelled: reason,
    partial: outcomeUnknown(text, 'it was aborted', mayHaveCommitted, reason),
    unknown: outcomeUnknown(text, 'it was aborted', saidNothing, reason),
  }
}

const saidNothing = 'the server did not answer the request to cancel it'
const mayHaveCommitted = 'it is of a kind that may commit a part of its work before it is cancelled'

function outcomeUnknown(
  text: string,
  event: string,
  doubt: string,
  cause: Error | undefined,
): HotpathError {
  return new HotpathError(
    'HOTPATH_POSTGRES_OUTCOME_UNKNOWN',
    `${excerpt(text)} may or may not have taken effect: ${event}, and ${doubt}; ` +
      'look before you repeat it',
    { cause },
  )
}

export function cursorInvalid(problem: string, cause?: unknown): HotpathError {
  return new HotpathError(
    'HOTPATH_POSTGRES_CURSOR_INVALID',
    `the cursor cannot be used: ${problem}; begin again with the first page`,
    { cause },
  )
}

function describe({ busy, lent, waiting }: PoolState): string {
  return `${busy} busy, ${lent} of them lent, ${waiting} waiting`
}

function excerpt(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return `the query "${line.length > 80 ? `${line.slice(0, 77)}...` : line}"`
}

// A refused connection to a name with several addresses comes as an AggregateError without a message.
function messageOf(error: Error): string {
  if (error.message !== '') return error.message
  return error instanceof AggregateError ? error.errors.map(messageOf).join(', ') : error.name
}

/** The server stopped the query on somebody's request (SQLSTATE query_canceled). */
export function isCancelled(error: Error): boolean {
  return (error as { code?: string }).code === '57014'
}

/** The server ends the connection with it, or a proxy does: `terminating connection`, say. */
export function isFatal(error: Error): boolean {
  const { severity } = error as { severity?: string }
  return severity === 'FATAL' || severity === 'PANIC'
}

/**
 * The client knew already that its connection is broken, and sent nothing: pg says so by words alone. Its
 * pool may hear of the break a moment later.
 */
export function isUnsent(error: Error): boolean {
  return /^Client (?:has encountered a connection error|was closed) and is not queryable$/.test(
    error.message,
  )
}

/**
 * A prepared statement is gone (SQLSTATE invalid_sql_statement_name), or a migration has changed what
 * it returns, which PostgreSQL reports as an unsupported feature.
 */
export function isStaleStatement(error: Error): boolean {
  const { code, routine } = error as { code?: string; routine?: string }
  return code === '26000' || (code === '0A000' && routine === 'RevalidateCachedQuery')
}
