import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { request as requestFrom } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useDatabase } from '../../../test/services.ts'
import { writeGeneratedDump } from '../data/generate.ts'
import { importDump } from '../data/importer.ts'
import { migrate } from '../data/migrate.ts'
import { startBuild } from '../proof/servers.ts'
import { votesFile } from '../proof/votes-file.ts'
import { build as buildHotpath } from './hotpath.ts'
import { build as buildNaive } from './naive.ts'
import { RunningApi } from './running-apis.ts'
import { build as buildUsual } from './usual.ts'

const { url: databaseUrl } = await useDatabase()
const database = new Pool({ connectionString: databaseUrl, max: 2 })
let folder = ''
const apis = new Map<string, RunningApi>()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hotpath-uploads-'))
  await migrate(databaseUrl)
  await writeGeneratedDump(join(folder, 'dump'), { users: 20, posts: 50, seed: 3 })
  await importDump(databaseUrl, join(folder, 'dump'))
  for (const [name, build] of Object.entries({
    naive: buildNaive,
    usual: buildUsual,
    hotpath: buildHotpath,
  })) {
    const dataFolder = join(folder, name)
    apis.set(name, await RunningApi.start(build, { databaseUrl, dataFolder }))
  }
})
afterAll(async () => {
  await Promise.all([...apis.values()].map((api) => api.close()))
  await database.end()
  await rm(folder, { recursive: true })
})

function api(name: string): RunningApi {
  const found = apis.get(name)
  if (found === undefined) throw new Error(`there is no build ${name}`)
  return found
}

function upload(name: string, body: string): Promise<Response> {
  const headers = { 'content-type': 'application/xml' }
  return api(name).fetch('/process-upload/', { method: 'POST', headers, body })
}

interface Status {
  readonly state: string
  readonly result?: { added: number; rejected: number }
  readonly error?: { message: string }
}

async function ended(name: string, location: string | null): Promise<Status> {
  let status: Status = { state: 'unknown' }
  await expect
    .poll(
      async () => {
        status = (await (await api(name).fetch(location ?? '')).json()) as Status
        return status.state
      },
      { timeout: 20_000 },
    )
    .toMatch(/completed|failed/)
  return status
}

async function votesFrom(firstId: number, count: number): Promise<number> {
  const { rows } = await database.query<{ n: number }>(
    'select count(*)::int as n from votes where id >= $1 and id < $2',
    [firstId, firstId + count],
  )
  return rows[0]?.n ?? -1
}

describe('an upload of votes', () => {
  test('is added before the answer by the naive build', async () => {
    const response = await upload('naive', votesFile(20, 1_000_000))
    expect(await response.json()).toEqual({ added: 20, rejected: 0 })
    expect(await votesFrom(1_000_000, 20)).toBe(20)
  })

  test.each([
    ['usual', 2_000_000],
    ['hotpath', 3_000_000],
  ])('is added behind the answer by the %s build, and its file is gone then', async (name, id) => {
    const text = votesFile(1_200, id).replace(`Id="${id + 7}"`, 'Id="seven"')
    const response = await upload(name, text)
    expect(response.status).toBe(202)
    const status = await ended(name, response.headers.get('location'))
    expect(status).toMatchObject({ state: 'completed', result: { added: 1_199, rejected: 1 } })
    expect(await votesFrom(id, 1_200)).toBe(1_199)
    expect(await readdir(join(folder, name, name === 'hotpath' ? 'uploads' : ''))).toEqual([])
  })

  test('adds what is there already once', async () => {
    for (const added of [50, 0]) {
      const response = await upload('hotpath', votesFile(50, 4_000_000))
      const status = await ended('hotpath', response.headers.get('location'))
      expect(status.result).toEqual({ added, rejected: 0 })
    }
  })
})

test('a client that goes away in the middle leaves nothing', async () => {
  const before = await readdir(join(folder, 'hotpath', 'uploads'))
  const { port, hostname } = new URL(api('hotpath').origin)
  const sending = requestFrom({ port, hostname, method: 'POST', path: '/process-upload/' })
  sending.on('error', () => {})
  sending.setHeader('content-type', 'application/xml')
  sending.write(votesFile(10_000, 5_000_000))
  const files = () => readdir(join(folder, 'hotpath', 'uploads'))
  await expect.poll(files).toHaveLength(before.length + 1)
  sending.destroy()
  await expect.poll(files).toEqual(before)
})

test('a server that is killed goes on where it was', { timeout: 60_000 }, async () => {
  const count = 40_000
  const signal = new AbortController().signal
  const options = { databaseUrl, networkUrl: '', dataFolder: join(folder, 'killed'), signal }
  const first = await startBuild('hotpath', options)
  const response = await fetch(`http://127.0.0.1:${first.port}/process-upload/`, {
    method: 'POST',
    headers: { 'content-type': 'application/xml' },
    body: votesFile(count, 6_000_000),
  })
  const location = response.headers.get('location') ?? ''
  await expect.poll(() => votesFrom(6_000_000, count), { interval: 5, timeout: 10_000 }).not.toBe(0)
  await first.kill()
  const whenKilled = await votesFrom(6_000_000, count)
  expect(whenKilled).toBeLessThan(count)

  const second = await startBuild('hotpath', options)
  try {
    const status = async () =>
      (await (await fetch(`http://127.0.0.1:${second.port}${location}`)).json()) as Status
    await expect.poll(status, { timeout: 30_000 }).toMatchObject({ state: 'completed' })
    expect((await status()).result).toEqual({ added: count, rejected: 0 })
    expect(await votesFrom(6_000_000, count)).toBe(count)
  } finally {
    await second.close()
  }
})
