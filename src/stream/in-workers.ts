import type { Workers } from '../workers/index.ts'
import { DerivedBatch, type RowBatch } from './row-batch.ts'
import type { Batches } from './row-steps.ts'
import type { Run } from './run.ts'

/** How `inWorkers` works, where it makes its threads itself. */
export interface InWorkersOptions {
  /**
   * The most threads.
   *
   * @defaultValue that of `createWorkers`
   */
  maxThreads?: number | undefined
}

/** Workers as `inWorkers` uses them, whatever module they run. */
export type RowWorkers = Pick<
  Workers<Record<string, (rows: unknown[]) => unknown>>,
  'run' | 'stats'
>

/**
 * Hands whole batches to an exported function of a module that runs in worker threads: one message
 * there and one back for hundreds of rows.
 */
export async function* workRows<T, U>(
  source: Batches<T>,
  target: URL | string | RowWorkers,
  name: string,
  options: InWorkersOptions,
  run: Run,
): Batches<U> {
  const { mapConcurrent } = await import('../batch/index.ts')
  const own = isModule(target) ? await start(target, options) : undefined
  const workers = own ?? (target as RowWorkers)
  // One more than there are threads, so that none waits for its next batch.
  const concurrency = workers.stats().maxThreads + 1
  try {
    const results = mapConcurrent(source, work, { concurrency, signal: run.signal })
    for await (const { batch, answer } of results) {
      if (answer.ok) yield new DerivedBatch(answer.rows, batch, undefined)
      else yield rejectAll(batch, answer.error)
      if (run.hasRejects) await run.flushRejects()
    }
  } finally {
    await own?.close()
  }

  async function work(batch: RowBatch<T>, { signal }: { readonly signal: AbortSignal }) {
    try {
      return { batch, answer: { ok: true as const, rows: await ask(batch.rows, signal) } }
    } catch (error) {
      return { batch, answer: { ok: false as const, error } }
    }
  }

  async function ask(rows: readonly T[], signal: AbortSignal): Promise<readonly U[]> {
    if (rows.length === 0) return []
    const made = await workers.run(name, rows as unknown[], { signal })
    if (Array.isArray(made) && made.length === rows.length) return made as readonly U[]
    throw new TypeError(
      `${name} must return an array with a result for each of the ${rows.length} rows it is given`,
    )
  }

  // Which of the rows it was, only the function knows.
  function rejectAll(batch: RowBatch<T>, error: unknown): RowBatch<U> {
    for (const [index, row] of batch.rows.entries()) run.reject(batch.placeOf(index), error, row)
    return new DerivedBatch([], batch, [])
  }
}

function isModule(target: URL | string | RowWorkers): target is URL | string {
  return typeof target === 'string' || target instanceof URL
}

async function start(url: URL | string, { maxThreads }: InWorkersOptions) {
  const { createWorkers } = await import('../workers/index.ts')
  return createWorkers<Record<string, (rows: unknown[]) => unknown>>(url, {
    name: 'stream',
    maxThreads,
  })
}
