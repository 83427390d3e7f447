import type { Client, Pool } from 'pg'
import { activeTrace, noteDatabaseUse } from '../../core/index.ts'
import { ownClients } from '../client.ts'
import { recordQuery, type QueryMethod } from './record.ts'

/** The package `pg`, as far as {@link traceQueries} touches it. */
export interface PgModule {
  readonly Client: { readonly prototype: Client }
  readonly Pool: { readonly prototype: Pool }
}

type PoolCallback = (error: unknown, client: unknown, release: unknown) => void
interface CallbackPool {
  connect(callback: PoolCallback): void
}

/**
 * Makes plain `pg` write its queries into the trace of the request that asks them, as a pool of
 * `createPool` does by itself: `Client.query`, `Pool.query`, and whatever is built on them, in each of
 * their forms. The returned function takes the patch back.
 *
 * @example
 * ```ts
 * import pg from 'pg'
 * import { traceQueries } from 'hotpath/postgres'
 *
 * const untrace = traceQueries(pg)
 * ```
 */
export function traceQueries(pg: PgModule): () => void {
  // A pool asks its client in a callback, where the stack and maybe the request are another's. What
  // it asks in there was recorded when the pool was asked.
  let isPoolAsking = false

  const restoreClient = patch(pg.Client.prototype, (query) => {
    return function traced(this: unknown, ...call: unknown[]) {
      if (isPoolAsking || ownClients.has(this as object)) return query.apply(this, call)
      return recordQuery(query, this, call)
    }
  })
  const restorePool = patch(pg.Pool.prototype, (query) => {
    return function traced(this: unknown, ...call: unknown[]) {
      noteDatabaseUse()
      if (activeTrace() === undefined) return query.apply(this, call)
      const pool = this as CallbackPool
      const connect = (callback: PoolCallback) =>
        pool.connect((error, client, release) => {
          isPoolAsking = true
          try {
            callback(error, client, release)
          } finally {
            isPoolAsking = false
          }
        })
      return recordQuery(query, Object.create(pool, { connect: { value: connect } }), call)
    }
  })
  return () => {
    restoreClient()
    restorePool()
  }
}

// Replaces the method where it stands: pg's own pool inherits it from the package pg-pool.
function patch(prototype: object, wrap: (query: QueryMethod) => QueryMethod): () => void {
  let owner = prototype as { query: QueryMethod }
  while (!Object.hasOwn(owner, 'query')) {
    owner = Object.getPrototypeOf(owner) as { query: QueryMethod }
  }
  const original = owner.query
  owner.query = wrap(original)
  return () => {
    owner.query = original
  }
}
