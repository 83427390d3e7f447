import type { PoolClient } from 'pg'
import { activeTrace } from '../../core/index.ts'
import { recordQuery, type QueryMethod } from './record.ts'

/**
 * Traces what a borrower asks of a client, if the borrower's request is traced; returns what ends it.
 */
export function traceClient(client: PoolClient): () => void {
  if (activeTrace() === undefined) return () => {}
  const query = client.query as QueryMethod
  client.query = function traced(...call: unknown[]) {
    return recordQuery(query, client, call)
  } as PoolClient['query']
  // The client's own property hides the method of its class.
  return () => Reflect.deleteProperty(client, 'query')
}
