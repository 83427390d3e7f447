import { setTimeout as elapse } from 'node:timers/promises'
import type { createPool } from 'hotpath/postgres'
import type { PoolClient } from 'pg'

/** What {@link borrow} works with. */
export interface BorrowOptions {
  readonly createPool: typeof createPool
  readonly url: string
  /** Clients that are returned at once. */
  readonly borrows: number
  /** Clients that are kept. */
  readonly leaks: number
  readonly leakDetectionMs: number
  readonly progress?: (done: number) => void
}

/** What was reported. */
export interface BorrowOutcome {
  /** Kept clients that were reported, with a stack that leads to whoever kept them. */
  readonly found: number
  /** Reports of clients that were returned, and second reports. */
  readonly falseReports: number
}

const atATime = 20

/** Borrows and returns clients by the thousand, keeps a few, and gathers who is reported. */
export async function borrow(options: BorrowOptions): Promise<BorrowOutcome> {
  const { url, borrows, leaks, leakDetectionMs, progress } = options
  const pool = options.createPool(url, { maxConnections: atATime * 2, leakDetectionMs })
  const sites: Error[] = []
  pool.on('leak', (site) => sites.push(site))

  async function keepOne(): Promise<PoolClient> {
    return pool.connect()
  }

  async function borrowAndReturn(times: number): Promise<void> {
    for (let done = 0; done < times; done++) {
      const client = await pool.connect()
      client.release()
      if (done % 1_000 === 0) await elapse(0)
    }
  }

  let found = 0
  const share = Math.ceil(borrows / Math.ceil(leaks / atATime) / atATime)
  for (let kept = 0; kept < leaks; kept += atATime) {
    const clients = await Promise.all(Array.from({ length: atATime }, keepOne))
    await Promise.all(Array.from({ length: atATime }, () => borrowAndReturn(share)))
    const lateMs = performance.now() + leakDetectionMs * 4
    while (sites.length < kept + atATime && performance.now() < lateMs) await elapse(5)
    for (const client of clients) client.release()
    progress?.(Math.round((kept / leaks) * borrows))
  }
  await pool.end()
  for (const { stack } of sites) if (stack?.includes('keepOne')) found++
  return { found, falseReports: sites.length - Math.min(found, leaks) }
}
