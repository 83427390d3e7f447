import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { components } from 'hotpath'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { useDatabase } from '../../../test/services.ts'
import { migrate } from '../data/migrate.ts'
import { build as buildHotpath } from './hotpath.ts'
import { RunningApi } from './running-apis.ts'
import { build as buildUsual } from './usual.ts'

const path = '/api/stats/tags/related'
const { url: databaseUrl } = await useDatabase()
/** The end of each thread that was started. */
const ends: Promise<unknown>[] = []
const note = (worker: Worker) => void ends.push(once(worker, 'exit'))

beforeAll(async () => {
  await migrate(databaseUrl)
  process.on('worker', note)
})
afterAll(() => {
  process.off('worker', note)
})

test.for([
  ['usual', buildUsual],
  ['hotpath', buildHotpath],
] as const)('%s relates tags in a thread, which ends with the server', async ([, build]) => {
  ends.length = 0
  const api = await RunningApi.start(build, { databaseUrl })
  expect(ends).toHaveLength(0)

  expect(await api.get(path)).toMatchObject({ status: 200, body: '{"tags":[]}' })
  expect(ends).toHaveLength(1)

  await api.close()
  await Promise.all(ends)
})

test('hotpath relates them once for all who ask, and for who asks again', async () => {
  const api = await RunningApi.start(buildHotpath, { databaseUrl })
  const workers = async () => {
    const list = (await (await api.fetch('/hotpath/stats')).json()) as { name: string }[]
    return list.find(({ name }) => name === 'related-tags')
  }
  expect(await workers()).toMatchObject({ kind: 'workers', stats: { completed: 0, threads: 0 } })

  await Promise.all(Array.from({ length: 8 }, () => api.get(path)))
  await api.get(path)
  expect(await workers()).toMatchObject({ kind: 'workers', stats: { completed: 1, failed: 0 } })

  await api.close()
  expect(components().map(({ name }) => name)).not.toContain('related-tags')
})
