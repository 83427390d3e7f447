import {
  invalid,
  knownOptions,
  nonNegativeInteger,
  timerMsOrOff,
  type Clock,
} from '../core/index.ts'

/** How `pool.transaction` works. */
export interface TransactionOptions {
  /** @defaultValue the database's `default_transaction_isolation`, which is read committed as a rule */
  isolation?: Isolation | undefined
  /**
   * Refuses everything that writes.
   *
   * @defaultValue false
   */
  readOnly?: boolean | undefined
  /**
   * How many times more the work is done, from its beginning, after a serialization failure (40001)
   * or a deadlock (40P01).
   *
   * @defaultValue 5
   */
  retries?: number | undefined
  /**
   * Stops the work: the query under way is cancelled on the server, the transaction is rolled back,
   * and the promise rejects with the signal's reason.
   */
  signal?: AbortSignal | undefined
  /**
   * Milliseconds for all of it, waiting for a connection and retries included; `false` for as long as
   * it takes.
   *
   * @defaultValue the pool's `commandTimeoutMs`
   */
  timeoutMs?: number | false | undefined
}

/** PostgreSQL's isolation levels; it has no fourth one of its own. */
export type Isolation = (typeof isolations)[number]

const isolations = ['read committed', 'repeatable read', 'serializable'] as const

/** {@link TransactionOptions} with every default filled in and every value checked. */
export interface ResolvedTransactionOptions {
  readonly begin: string
  readonly retries: number
  readonly signal: AbortSignal | undefined
  readonly timeoutMs: number | false
}

export function resolveTransactionOptions(
  options: TransactionOptions,
  commandTimeoutMs: number | false,
): ResolvedTransactionOptions {
  const names = ['isolation', 'readOnly', 'retries', 'signal', 'timeoutMs']
  knownOptions('transaction', options, names)
  const { isolation, readOnly = false, retries = 5, signal } = options
  // Both become part of the SQL.
  if (isolation !== undefined && !isolations.includes(isolation)) {
    invalid('isolation', `one of ${isolations.join(', ')}`, isolation)
  }
  if (typeof readOnly !== 'boolean') invalid('readOnly', 'true or false', readOnly)
  const level = isolation === undefined ? '' : ` isolation level ${isolation}`
  return {
    begin: `begin${level}${readOnly ? ' read only' : ''}`,
    retries: nonNegativeInteger('retries', retries),
    signal,
    timeoutMs: timerMsOrOff('timeoutMs', options.timeoutMs ?? commandTimeoutMs),
  }
}

const firstBackoffMs = 10
const longestBackoffMs = 500

/** Waits before a retry, a random while that grows: those that collided must not do so again. */
export async function backOff(clock: Clock, attempt: number, signal: AbortSignal): Promise<void> {
  const limitMs = Math.min(longestBackoffMs, firstBackoffMs * 2 ** attempt)
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = clock.after(Math.random() * limitMs, resolve)
  signal.addEventListener('abort', () => resolve(), { once: true })
  await promise
  timer.cancel()
  signal.throwIfAborted()
}
