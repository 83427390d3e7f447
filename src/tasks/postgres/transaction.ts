import type { PostgresTaskPool, PostgresTransaction } from './options.ts'

/** Runs `work` in a transaction on a connection of its own. */
export async function inTransaction<T>(
  pool: PostgresTaskPool,
  work: (tx: PostgresTransaction) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    client.release()
    return result
  } catch (error) {
    await endAfter(error, client)
    throw error
  }
}

async function endAfter(
  error: unknown,
  client: Awaited<ReturnType<PostgresTaskPool['connect']>>,
): Promise<void> {
  const broken = await client.query('rollback').then(
    () => undefined,
    () => (error instanceof Error ? error : true),
  )
  client.release(broken)
}
