import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Services } from '../../kit/bench.ts'
import type { EngineName } from './messages.ts'

/** An engine that workers are killed on. */
export interface CrashEngine {
  readonly name: EngineName
  /** The store in a run: where, for the workers. */
  store(services: Services): string
  /** Removes what the run has left outside of the services. */
  forget?(store: string): void
  /** The most that the median takeover may take. */
  readonly takeoverMs: number
  /** How soon its peer takes over, with the settings that it comes with. */
  readonly peer: string
}

export const crashEngines: readonly CrashEngine[] = [
  {
    name: 'sqlite',
    store: () => join(mkdtempSync(join(tmpdir(), 'hotpath-tasks-crash-')), 'tasks.db'),
    forget: (store) => rmSync(dirname(store), { recursive: true }),
    takeoverMs: 2_000,
    peer: 'none',
  },
  {
    name: 'postgres',
    store: ({ url }) => url('postgres'),
    takeoverMs: 15_000,
    peer: 'pg-boss as it comes: after 15 minutes; with its heartbeat: 10 s at least, and a look every 60 s',
  },
  {
    name: 'redis',
    store: ({ url }) => url('redis'),
    takeoverMs: 10_000,
    peer: 'BullMQ as it comes: a lock of 30 s and a look every 30 s, and at the second loss the job has failed',
  },
]

/** Runs it on a store of the engine. */
export async function onStoreOf<T>(
  engine: CrashEngine,
  services: Services,
  run: (store: string) => Promise<T>,
): Promise<T> {
  const store = engine.store(services)
  try {
    return await run(store)
  } finally {
    engine.forget?.(store)
  }
}
