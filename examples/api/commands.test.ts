import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useDatabase } from '../../test/services.ts'
import { buildNames } from './api/contract.ts'
import { writeGeneratedDump } from './data/generate.ts'

const { url } = await useDatabase()
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hotpath-commands-'))
  await writeGeneratedDump(join(folder, 'dump'), { users: 5, posts: 20 })
})
afterAll(() => rm(folder, { recursive: true }))

/** A command of the example, as its own process. */
class Command {
  readonly process: ChildProcess
  #out = ''
  readonly exit: Promise<{ code: unknown; out: string }>

  constructor(file: string, args: string[], databaseUrl = url, redisUrl?: string) {
    this.process = fork(fileURLToPath(new URL(file, import.meta.url)), args, {
      env: { ...process.env, DATABASE_URL: databaseUrl, REDIS_URL: redisUrl },
      silent: true,
    })
    // Not `close`, which a child whose channel was closed from here never emits.
    const outputs = [this.process.stdout, this.process.stderr].filter((stream) => stream !== null)
    for (const stream of outputs) stream.on('data', (text) => (this.#out += text))
    const exit = once(this.process, 'exit')
    const closes = outputs.map((stream) => once(stream, 'close'))
    this.exit = Promise.all([exit, ...closes]).then(([[code]]) => ({ code, out: this.#out }))
  }

  async port(): Promise<number> {
    const ended = this.exit.then(({ out }) => Promise.reject(new Error(`it ended: ${out}`)))
    const [message] = await Promise.race([once(this.process, 'message'), ended])
    const { ready, port } = message as { ready: boolean; port: number }
    if (!ready) throw new Error(`it is not ready: ${JSON.stringify(message)}`)
    return port
  }
}

describe('import.ts', () => {
  const importing = (args: string[], databaseUrl?: string) =>
    new Command('./import.ts', args, databaseUrl).exit

  test('creates the tables, loads a dump and says what it loaded', async () => {
    const { code, out } = await importing([join(folder, 'dump')])
    expect(out).toMatch(/loaded 5 users, 20 posts, \d+ comments, \d+ votes\n$/)
    expect(code).toBe(0)
  })

  test('names the rows that it leaves out', async () => {
    const path = join(folder, 'broken')
    await writeGeneratedDump(path, { users: 1, posts: 1 })
    await writeFile(join(path, 'Votes.xml'), '<votes>\n<row Id="x" />\n</votes>')
    const { code, out } = await importing([path])
    expect(out).toContain(
      '1 rows could not be read:\n  Votes.xml, line 2: Id is no 32-bit integer: x',
    )
    expect(code).toBe(0)
  })

  test('says in one sentence what is missing', async () => {
    for (const [args, databaseUrl, sentence] of [
      [[], url, /^Say which dump to load: .*\n$/],
      [['/nowhere/at/all'], url, /\nThere is no folder \/nowhere\/at\/all\.\n$/],
      [[folder], url, /\n.* is no dump: it lacks Users\.xml, .*\n$/],
      [[folder], '', /^Set DATABASE_URL to .*\n$/],
      [
        [folder],
        'postgres://127.0.0.1:1/none',
        /^DATABASE_URL cannot be used: .*ECONNREFUSED.*\n$/,
      ],
    ] as const) {
      const { code, out } = await importing([...args], databaseUrl)
      expect(out).toMatch(sentence)
      expect(code).toBe(1)
    }
  })
})

describe('server.ts', () => {
  test.for(buildNames)('%s answers, and ends with its parent or by a signal', async (name) => {
    for (const end of [
      (child: ChildProcess) => child.disconnect(),
      (child: ChildProcess) => child.kill('SIGTERM'),
    ]) {
      const server = new Command('./server.ts', [name])
      const response = await fetch(`http://127.0.0.1:${await server.port()}/api/users/1`)
      expect(await response.json()).toMatchObject({ id: 1 })
      end(server.process)
      expect(await server.exit).toEqual({ code: 0, out: '' })
    }
  })

  test('serves a page at / and, in the hotpath build, live figures', async () => {
    const page = join(folder, 'page.html')
    await writeFile(page, '<h1>proof</h1>')
    const server = new Command('./server.ts', ['hotpath', '--page', page])
    const origin = `http://127.0.0.1:${await server.port()}`
    const root = await fetch(origin)
    expect(root.headers.get('content-type')).toMatch(/^text\/html/)
    expect(await root.text()).toBe('<h1>proof</h1>')

    for (let i = 0; i < 4; i++) await fetch(`${origin}/api/users/1`)
    await fetch(`${origin}/api/data`)
    const stats = (await (await fetch(`${origin}/hotpath/stats`)).json()) as object[]
    const shown = (kind: string, name: string, figures: object) =>
      expect.objectContaining({ kind, name, stats: expect.objectContaining(figures) })
    expect(stats).toEqual(
      expect.arrayContaining([
        shown('pool', 'questions', { queries: 2 }),
        shown('cache', 'pages', {}),
        shown('response-cache', 'pages', { hits: 3, misses: 1, hitRatio: 0.75 }),
        shown('limiter', 'limit of /api/data', { allowed: 1, denied: 0 }),
        shown('compressor', 'compressor', {}),
        shown('budgets', 'budgets', {
          missed: 0,
          budgets: expect.arrayContaining([
            expect.objectContaining({
              subject: 'GET /api/users/:id',
              kind: 'cached',
              state: 'not enough data',
              samples: 3,
            }),
          ]),
        }),
      ]),
    )
    server.process.disconnect()
    await server.exit
  })

  test('says in one sentence why it does not start', async () => {
    const first = new Command('./server.ts', ['usual'])
    const port = String(await first.port())
    const nowhere = 'redis://127.0.0.1:1'
    for (const [args, redisUrl, sentence] of [
      [['usual', '--port', port], undefined, new RegExp(`^Port ${port} is in use: .*\\n$`)],
      [['other'], undefined, /^Usage: .*\n$/],
      [['usual', '--port', '70000'], undefined, /^Usage: .*\n$/],
      [['usual'], nowhere, /^REDIS_URL cannot be used \(.*ECONNREFUSED.*\n$/],
      [['hotpath'], nowhere, /^REDIS_URL cannot be used \(.*ECONNREFUSED.*\n$/],
    ] as const) {
      const { code, out } = await new Command('./server.ts', [...args], url, redisUrl).exit
      expect(out).toMatch(sentence)
      expect(code).toBe(1)
    }
    first.process.disconnect()
    await first.exit
  })
})
