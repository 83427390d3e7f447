import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rmdir, stat } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort, startPostgres, startRedis, type PostgresServer, type Server } from './index.ts'
import { childrenOf, lives, processEntry } from './process-table.ts'

const until = (isSo: () => boolean | Promise<boolean>) =>
  vi.waitUntil(isSo, { timeout: 20_000, interval: 10 })

describe('PostgreSQL', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres({ settings: { work_mem: '5MB' } })
  })
  afterAll(() => server.close())

  test('listens on loopback only, asks for a password, and is made for text of all kinds', async () => {
    expect(await ask(server.url, 'show listen_addresses')).toBe('127.0.0.1')
    expect(await ask(server.url, 'show server_encoding')).toBe('UTF8')
    expect(await ask(server.url, 'show fsync')).toBe('on')
    expect(await ask(server.url, 'show work_mem')).toBe('5MB')
    const wrong = new URL(server.url)
    wrong.password = 'wrong'
    await expect(ask(wrong.href, 'select 1')).rejects.toThrow('password authentication failed')
  })

  test('does not run as root', async () => {
    // PostgreSQL insists on owning its data.
    const { uid } = await stat(String(await ask(server.url, 'show data_directory')))
    expect(uid).toBeGreaterThan(0)
  })

  test('createDatabase makes one under any name', async () => {
    const url = await server.createDatabase('ein "Name"')
    expect(await ask(url, 'select current_database()')).toBe('ein "Name"')
  })

  test('kill leaves none of its processes, and a restart finds what was committed', async () => {
    await ask(server.url, 'create table kept as select 7 as value')
    const client = new pg.Client(server.url)
    client.on('error', () => {})
    await client.connect()
    client.query('select pg_sleep(600)').catch(() => {})
    await until(() => childrenOf(server.pid).length > 3)
    const family = childrenOf(server.pid)
    const { pid } = server

    await server.kill()
    expect(family.filter(lives)).toEqual([])
    await expect(ask(server.url, 'select 1')).rejects.toThrow('ECONNREFUSED')
    await server.kill()

    await server.restart()
    expect(server.pid).not.toBe(pid)
    expect(await ask(server.url, 'select value from kept')).toBe(7)
  })

  test('frozen, nobody answers; thawed, the same connection goes on', async () => {
    const client = new pg.Client(server.url)
    await client.connect()
    await server.freeze()
    const everybody = [server.pid, ...childrenOf(server.pid).map(({ pid }) => pid)]
    expect(everybody.map((pid) => processEntry(pid)?.state)).toEqual(everybody.map(() => 'frozen'))
    const answer = client.query('select 1 as value')
    await server.thaw()
    expect((await answer).rows).toEqual([{ value: 1 }])
    await client.end()
  })

  test('stops in good order even when it is frozen', async () => {
    await server.freeze()
    await server.stop()
    expect(processEntry(server.pid)).toBeUndefined()
    await server.restart()
    expect(await ask(server.url, 'select value from kept')).toBe(7)
  })
})

describe('Redis', () => {
  test('fill makes writes fail and leaves reads; empty and flush undo', async () => {
    await using server = await startRedis()
    const client = createClient({ url: server.url })
    await client.connect()
    await client.set('a', '1')
    await server.fill()
    await expect(client.set('b', '2')).rejects.toThrow('OOM')
    expect(await client.get('a')).toBe('1')
    await server.empty()
    await client.set('b', '2')
    await server.flush()
    expect(await client.get('a')).toBeNull()
    client.destroy()
    await server.close()
  })

  test('frozen, connections stay open and nobody answers', async () => {
    await using server = await startRedis()
    await server.freeze()
    expect(processEntry(server.pid)?.state).toBe('frozen')
    const socket = connect(server.port, '127.0.0.1')
    await new Promise((resolve) => socket.once('connect', resolve))
    socket.write('PING\r\n')
    const answer = new Promise((resolve) => socket.once('data', resolve))
    await server.thaw()
    expect(String(await answer)).toBe('+PONG\r\n')
    socket.destroy()
  })
})

describe.each([
  ['PostgreSQL', startPostgres],
  ['Redis', startRedis],
])('%s', (title, start: (options: { port: number }) => Promise<Server>) => {
  test('says in one sentence that its port is taken', async () => {
    const port = await freePort()
    const squatter = createServer((socket) => socket.resume()).listen(port, '127.0.0.1')
    await expect(start({ port })).rejects.toThrow(
      `${title} did not start on port ${port}: another process listens on port ${port}`,
    )
    await new Promise((resolve) => squatter.close(resolve))
    await using server = await start({ port })
    expect(server.port).toBe(port)
  })
})

describe('when the process that started them goes', () => {
  const script = `
    const { startPostgres, startRedis } = await import(process.argv[1])
    // Servers do not hold the process open.
    const life = setInterval(() => {}, 1_000)
    const servers = await Promise.all([startPostgres(), startRedis()])
    await servers[1].freeze()
    console.log(JSON.stringify(servers.map((server) => server.pid)))
    process.on('SIGUSR2', async () => {
      await servers[0].kill()
      await Promise.all(servers.map((server) => server.close()))
      clearInterval(life)
    })
  `
  const services = fileURLToPath(new URL('./index.ts', import.meta.url))

  test.each(['SIGKILL', 'SIGINT', 'SIGUSR2'] as const)(
    'by %s, servers, folder and keeper go too',
    async (reason) => {
      const folder = await mkdtemp(join(tmpdir(), 'hotpath-test-'))
      await chmod(folder, 0o711)
      const parent = spawn(process.execPath, ['--input-type=module', '--eval', script, services], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, TMPDIR: folder },
      })
      const [line] = await once(createInterface({ input: parent.stdout }), 'line')
      const [postgresPid = 0] = JSON.parse(line) as number[]
      // PostgreSQL starts most of its children once it is ready.
      await until(() => childrenOf(postgresPid).length > 3)
      const family = childrenOf(parent.pid ?? 0).concat(childrenOf(postgresPid))
      expect(await readdir(folder)).toHaveLength(1)

      parent.kill(reason)
      await until(() => !family.some(lives))
      await until(async () => (await readdir(folder)).length === 0)
      expect(await sharedMemoryOf(postgresPid)).toEqual([])
      await rmdir(folder)
    },
  )
})

async function ask(url: string, text: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<unknown[]>({ text, rowMode: 'array' })
    return rows[0]?.[0]
  } finally {
    await client.end()
  }
}

async function sharedMemoryOf(creatorPid: number): Promise<string[]> {
  const table = await readFile('/proc/sysvipc/shm', 'utf8').catch(() => '')
  return table.split('\n').filter((line) => line.trim().split(/\s+/)[4] === String(creatorPid))
}
