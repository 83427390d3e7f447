import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { crash } from '../../bench/soaks/tasks-crash/crash.ts'
import { useDatabase, useRedis } from '../services.ts'

const folder = mkdtempSync(join(tmpdir(), 'hotpath-tasks-crash-'))
afterAll(() => rmSync(folder, { recursive: true }))

const stores = {
  sqlite: join(folder, 'tasks.db'),
  postgres: (await useDatabase()).url,
  redis: useRedis().url,
} as const

// A reduced run of `npm run soak -- tasks-crash`.
test.each(Object.entries(stores))(
  'on %s workers are killed and frozen: nothing is lost, nothing completed twice or by a fenced worker',
  { timeout: 90_000 },
  async (engine, store) => {
    const outcome = await crash({
      engine: engine as keyof typeof stores,
      tasks: new URL('../../src/tasks/index.ts', import.meta.url).href,
      postgres: new URL('../../src/postgres/index.ts', import.meta.url).href,
      store,
      concurrency: 2,
      workers: 2,
      bystanders: 1,
      kills: 3,
    })
    expect(outcome).toMatchObject({ lost: 0, completedTwice: 0, completedByFenced: 0 })
    expect(outcome).toMatchObject({ kills: 2, freezes: 1 })
    expect(outcome.repeated).toBeGreaterThanOrEqual(3)
    expect(outcome.fenced).toBeGreaterThanOrEqual(1)
  },
)
