import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { writeGeneratedDump } from '../data/generate.ts'
import { withClient } from './with-client.ts'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))
const serverUrl = inject('postgresUrl')

let folder: string
let dump: string
const runs: ChildProcess[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hotpath-main-'))
  // PostgreSQL does not run as root: its user must be able to pass through.
  await chmod(folder, 0o755)
  dump = join(folder, 'dump')
  await writeGeneratedDump(dump, { users: 60, posts: 400, seed: 5 })
})
afterEach(() => {
  for (const run of runs.splice(0)) run.kill('SIGKILL')
})
afterAll(() => rm(folder, { recursive: true }))

describe('npm start', () => {
  test('proves, writes its figures, stays up, and leaves nothing after Ctrl-C', async () => {
    const json = join(folder, 'proof.json')
    const args = ['--dump', dump, '--json', json, '--seconds', '18', '--port', '0']
    const mark = `proof-of-${process.pid}`
    const run = start(args, { DATABASE_URL: serverUrl, HOTPATH_TEST: mark })
    const [, origin = ''] = await run.printed(/is up on (http:\/\/localhost:\d+)/)

    const report = JSON.parse(await readFile(json, 'utf8')) as Record<string, unknown>
    expect(report).toMatchObject({
      machine: expect.stringMatching(/core/),
      data: { source: dump, users: 60, posts: 400 },
      identical: { checked: expect.any(Number), different: 0 },
      stale: { hotpath: { checked: expect.any(Number), stale: 0 } },
      hitRatio: expect.any(Number),
    })
    expect(report.rows).toEqual(
      [
        'memo',
        'monitor',
        'pooling',
        'query',
        'pages',
        'response-cache',
        'stampede',
        'network',
        'file',
        'upload',
        'limit',
        'compression',
        'mixed-rps',
        'mixed-p99',
      ].map((id) => ({
        id,
        what: expect.any(String),
        unit: expect.stringMatching(/^(ms|µs|req\/s|calls|requests|kB|MB)$/),
        naive: expect.any(Number),
        usual: expect.any(Number),
        hotpath: expect.any(Number),
        gain: expect.any(Number),
        gainOverUsual: expect.any(Number),
        claimed: expect.any(String),
      })),
    )

    expect(await processesThatMention(mark)).toHaveLength(2)
    const page = await (await fetch(origin)).text()
    expect(page).toContain('The proof')
    expect(page).not.toMatch(/(src|href)="https?:/)
    for (const [, path = ''] of page.matchAll(/href="(\/[^"]*)"/g)) {
      const { status } = await fetch(origin + path)
      expect(status, path).toBe(
        path.endsWith('abc') ? 400 : path.endsWith('2147483647') ? 404 : 200,
      )
    }

    run.child.kill('SIGINT')
    expect((await run.ended()).code).toBe(130)
    expect(await processesThatMention(mark)).toEqual([])
    expect(await exampleDatabases()).toEqual([])
    await expect(fetch(origin)).rejects.toThrow()
  }, 120_000)

  test('Ctrl-C in the middle of loading leaves no process and no folder', async () => {
    const temporary = await mkdtemp(join(folder, 'tmp-'))
    await chmod(temporary, 0o755)
    const run = start(['--exit'], { TMPDIR: temporary })
    await run.printed(/Generating a site/)
    expect(await readdir(temporary)).not.toEqual([])
    run.child.kill('SIGINT')

    expect(await run.ended()).toMatchObject({ code: 130, err: expect.stringMatching(/Stopping/) })
    expect(await readdir(temporary)).toEqual([])
    await expect.poll(() => processesThatMention(temporary), { timeout: 5_000 }).toEqual([])
  })
})

describe('what cannot work is said in one sentence, before the work', () => {
  test('a busy port', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const { code, err, out } = await start(['--port', String(port)]).ended()
    server.close()
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(new RegExp(`^\\nPort ${port} is busy: choose another [^\\n]+\\.\\n$`))
  })

  test('a DATABASE_URL that nobody answers', async () => {
    const DATABASE_URL = 'postgres://somebody:secret@127.0.0.1:1/any'
    const { code, err } = await start(['--exit'], { DATABASE_URL }).ended()
    expect(code).toBe(1)
    expect(err).toMatch(/^\nDATABASE_URL cannot be used \(127\.0\.0\.1:1: [^\n]+\.\n$/)
    expect(err).not.toContain('secret')
  })

  test('a DATABASE_URL whose user may not create databases', async () => {
    const name = `weak_${process.pid}`
    await withClient(serverUrl, (client) => client.query(`create role ${name} login password 'w'`))
    const url = new URL(serverUrl)
    Object.assign(url, { username: name, password: 'w' })
    const { code, err } = await start(['--exit'], { DATABASE_URL: url.href }).ended()
    await withClient(serverUrl, (client) => client.query(`drop role ${name}`))
    expect(code).toBe(1)
    expect(err).toMatch(new RegExp(`^\\n${name} may not create databases [^\\n]+\\.\\n$`))
  })

  test.each([
    [['--dump', '/nowhere'], /--dump cannot read the folder \/nowhere \(ENOENT\)/],
    [['--json', '/nowhere/proof.json'], /--json cannot write \/nowhere\/proof\.json/],
    [['--exits'], /Unknown option '--exits'/],
  ])('%j', async (args, sentence) => {
    const { code, err, out } = await start(['--exit', ...args]).ended()
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(sentence)
    expect(err).toMatch(/^\n[^\n]+\.\n$/)
  })
})

function start(args: string[], env: NodeJS.ProcessEnv = {}) {
  const { DATABASE_URL: _, REDIS_URL: __, ...inherited } = process.env
  const child = spawn(process.execPath, [main, ...args], { env: { ...inherited, ...env } })
  runs.push(child)
  const output = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.err += text))
  const closed = once(child, 'close')
  return {
    child,
    /** Waits until the output matches, or fails with what came instead. */
    async printed(pattern: RegExp): Promise<RegExpExecArray> {
      for (;;) {
        const found = pattern.exec(output.out)
        if (found !== null) return found
        const isOver = await Promise.race([closed.then(() => true), once(child.stdout, 'data')])
        if (isOver === true) expect.fail(`ended without ${pattern}: ${output.out}${output.err}`)
      }
    },
    async ended() {
      const [code] = (await closed) as [number]
      return { code, ...output }
    },
  }
}

async function exampleDatabases(): Promise<string[]> {
  return withClient(serverUrl, async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      `select datname from pg_database where datname like 'hotpath_example_%'`,
    )
    return rows.map(({ datname }) => datname)
  })
}

/** The command lines of living processes that carry a text in their arguments or environment. */
async function processesThatMention(text: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const read = (pid: string, file: string) =>
    readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')
  const found = await Promise.all(
    pids.map(async (pid) => {
      const commandLine = await read(pid, 'cmdline')
      const isOurs = (commandLine + (await read(pid, 'environ'))).includes(text)
      return isOurs ? [commandLine.replaceAll('\0', ' ')] : []
    }),
  )
  return found.flat()
}
