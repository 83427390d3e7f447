import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Transferable, Worker } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { ResolvedWorkersOptions } from './options.ts'
import { startPool } from './priority.ts'
import type { Session } from './protocol.ts'

/**
 * What is used of piscina: it starts, keeps and ends the threads, and stops one whose signal aborts.
 * Said here once more, because its own types do not compile under `exactOptionalPropertyTypes`.
 */
export interface Threads {
  run(
    session: Session,
    options: { transferList: Transferable[]; signal: AbortSignal },
  ): Promise<unknown>
  readonly threads: readonly Worker[]
  on(event: 'error', listener: (error: unknown) => void): unknown
  destroy(): Promise<void>
}

export function startThreads(options: ResolvedWorkersOptions): Threads {
  const { minThreads, maxThreads, maxIdleMs, memoryLimitBytes } = options
  startPool()
  return new Piscina({
    // The file next to this one: its source where this is the source, what was built where it is that.
    filename: fileURLToPath(new URL(`./thread${extname(import.meta.url)}`, import.meta.url)),
    minThreads,
    maxThreads,
    idleTimeout: maxIdleMs,
    recordTiming: false,
    ...(memoryLimitBytes !== false && {
      resourceLimits: { maxOldGenerationSizeMb: memoryLimitBytes / 2 ** 20 },
    }),
  })
}
