import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const run = promisify(execFile)
const repository = fileURLToPath(new URL('../..', import.meta.url))
const withoutPeers = [
  'hotpath',
  'hotpath/batch',
  'hotpath/cache',
  'hotpath/compress',
  'hotpath/express',
  'hotpath/fastify',
  'hotpath/hono',
  'hotpath/limit',
  'hotpath/measure',
  'hotpath/memo',
  'hotpath/node',
  'hotpath/stream',
  'hotpath/tasks',
  'hotpath/workers',
]
const subpaths = [...withoutPeers, 'hotpath/postgres'].toSorted()

let folder: string
let tarball: string
/** What the package depends on, as it is installed here: no registry is asked. */
let dependencies: string[]

// Built and packed afresh, away from the repository's own dist: the test sees what a release would.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hotpath-package-'))
  const packed = join(folder, 'packed')
  await mkdir(packed)
  for (const name of ['package.json', 'LICENSE', 'README.md', 'CHANGELOG.md']) {
    await cp(join(repository, name), join(packed, name))
  }
  await run(process.execPath, [
    tsc,
    '-p',
    join(repository, 'tsconfig.build.json'),
    '--outDir',
    join(packed, 'dist'),
  ])
  tarball = await pack('.')
  const { dependencies: wanted } = JSON.parse(
    await readFile(join(repository, 'package.json'), 'utf8'),
  ) as { dependencies: Record<string, string> }
  dependencies = []
  for (const name of Object.keys(wanted)) {
    dependencies.push(await pack(join(repository, 'node_modules', name)))
  }

  async function pack(what: string): Promise<string> {
    const { stdout } = await run('npm', ['pack', what, '--json', '--ignore-scripts'], {
      cwd: packed,
    })
    const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
    return join(packed, filename)
  }
})

afterAll(() => rm(folder, { recursive: true, force: true }))

test('every subpath of the package is known to this test', async () => {
  const { exports } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8'))
  const names = Object.keys(exports)
    .filter((path) => path !== './package.json')
    .map((path) => path.replace('.', 'hotpath'))
  expect(names.toSorted()).toEqual(subpaths)
})

test('holds what users need and nothing else', async () => {
  const { stdout } = await run('tar', ['-tzf', tarball])
  const stray = stdout
    .split('\n')
    .filter(
      (path) =>
        !/^package\/(dist\/.*\.(js|d\.ts)|package\.json|README\.md|LICENSE|CHANGELOG\.md)$|^$/.test(
          path,
        ),
    )
  expect(stray).toEqual([])
  expect(stdout).not.toMatch(/\.test\./)
})

describe('in an empty folder, without any peer', () => {
  let app: string
  beforeAll(async () => {
    app = await install('bare')
  })

  test.each(withoutPeers)('%s imports', async (subpath) => {
    const { stdout } = await importIn(app, subpath)
    expect(JSON.parse(stdout)).not.toEqual([])
  })

  test('hotpath/postgres says which package it needs', async () => {
    await expect(importIn(app, 'hotpath/postgres')).rejects.toThrow(/Cannot find package 'pg'/)
  })

  test('what needs a package says so by one code, whatever the room', async () => {
    const program = `
      import { lines } from 'hotpath/stream'
      import { createTasks, redisEngine } from 'hotpath/tasks'
      const codes = [lines(['a,b']).csv().toArray(), createTasks({ engine: redisEngine({ url: 'redis://localhost' }) }).start()]
      for (const code of codes) console.log(await code.then(() => 'none', (error) => error.code))
      process.exit()
    `
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: app,
    })
    expect(stdout).toBe('HOTPATH_PEER_MISSING\nHOTPATH_PEER_MISSING\n')
  })

  test('types pass for a consumer of what needs no peer, libraries checked too', async () => {
    await check(app, {
      'main.ts': `
        import { HotpathError, components, listen, type RedisLike } from 'hotpath'
        import { createServer } from 'node:http'
        import { createCache } from 'hotpath/cache'
        import { createCompressor } from 'hotpath/compress'
        import { createLimiter, type Decision } from 'hotpath/limit'
        import { createRuntimeMonitor, measure, measured, prometheusText } from 'hotpath/measure'
        import { memoize } from 'hotpath/memo'
        import { hotpath, taskRoutes } from 'hotpath/node'
        import { createTasks, createUploadStore, sqliteEngine } from 'hotpath/tasks'
        import { createWorkers } from 'hotpath/workers'
        declare const redis: RedisLike
        const hot = hotpath({ cache: { ttlMs: 60_000, compress: true } })
        createServer(
          hot.cached({ route: '/', key: ({ headers }) => headers.authorization }, (_request, response) => {
            response.end('hello')
          }),
        )
        export const decision: Decision = createLimiter('5/minute').take('ada')
        export const shared: Decision | Promise<Decision> = createLimiter('5/minute', { redis }).take('ada')
        export const coding: 'br' | 'gzip' | 'zstd' | undefined = createCompressor().codingFor('br', 9_000)
        export const twice: number = memoize((n: number) => 2 * n)(1)
        const sums = createWorkers<{ double(n: number): number }>(new URL('file:///sums.js'))
        export const doubled: Promise<number> = sums.run('double', 2)
        const tasks = createTasks({ engine: sqliteEngine({ file: 'tasks.db' }) })
        export const routes = taskRoutes(tasks, { canAccess: (request, { name }) => request.url === name })
        export const uploads = createUploadStore({ folder: 'uploads', maxBytes: 1e9 })
        export const thrice: number = measure((n: number) => 3 * n, { name: 'thrice' })(1)
        export class Invoices {
          @measured()
          async total(net: number): Promise<number> {
            return net * createRuntimeMonitor().stats().loop.utilization
          }
        }
        export const scraped: string = prometheusText('text/plain').body
        const cache = createCache<{ id: number }>({ name: 'users', redis, ttlMs: 60_000 })
        export const user: Promise<{ id: number }> = cache.getOrSet('user:1', () => ({ id: 1 }))
        export const names: string[] = components().map(({ name }) => name)
        listen('hotpath:cache:read', ({ tier }) => tier satisfies 'memory' | 'redis' | undefined)
        // @ts-expect-error a code that does not exist
        new HotpathError('HOTPATH_NO_SUCH_CODE', 'message')
      `,
    })
  })
})

describe('with the peers beside it', () => {
  let app: string
  beforeAll(async () => {
    app = await install('complete')
    for (const peer of [
      'pg',
      '@types/pg',
      'express',
      '@types/express',
      'fastify',
      'hono',
      'redis',
      'ioredis',
      'kysely',
      'drizzle-orm',
    ]) {
      await mkdir(dirname(join(app, 'node_modules', peer)), { recursive: true })
      await symlink(join(repository, 'node_modules', peer), join(app, 'node_modules', peer))
    }
  })

  test.each(subpaths)('%s imports', async (subpath) => {
    const { stdout } = await importIn(app, subpath)
    expect(JSON.parse(stdout)).not.toEqual([])
  })

  test('types pass for a consumer of everything', async () => {
    await check(app, {
      'main.ts': `
        import express from 'express'
        import Fastify from 'fastify'
        import { Hono } from 'hono'
        import { Redis } from 'ioredis'
        import { Kysely, PostgresDialect } from 'kysely'
        import { createClient } from 'redis'
        import type { Pool } from 'pg'
        import { fromIoredis, fromNodeRedis } from 'hotpath'
        import { createCache } from 'hotpath/cache'
        import { hotpath as onExpress } from 'hotpath/express'
        import { hotpath } from 'hotpath/fastify'
        import { hotpath as onHono } from 'hotpath/hono'
        import { createPool } from 'hotpath/postgres'

        const pool = createPool('postgres://app@localhost/shop', { maxConnections: 5 })
        export const asPgPool: Pool = pool
        export const db = new Kysely<object>({ dialect: new PostgresDialect({ pool }) })
        const { rows } = await pool.query<{ id: number }>({
          text: 'select 1 as id',
          timeoutMs: 100,
          signal: AbortSignal.timeout(200),
        })
        export const id: number | undefined = rows[0]?.id
        createCache({ name: 'a', redis: fromNodeRedis(createClient()) })
        createCache({ name: 'b', redis: fromIoredis(new Redis({ lazyConnect: true })) })

        const app = Fastify()
        await app.register(hotpath, { cache: { ttlMs: 60_000 } })
        app.get<{ Params: { id: string } }>('/users/:id', {
          config: { hotpath: { cache: { tags: (request) => [request.url] } } },
          handler: async ({ params }) => ({ id: params.id }),
        })
        await app.hotpath.invalidateTags(['user:1'])

        const hot = onExpress({ cache: { ttlMs: 60_000 } })
        const web = express()
        web.use(hot)
        web.get('/users/:id', hot.cached({ tags: ({ params }) => [String(params['id'])] }), (request, response) => {
          hot.addTags(response, ['users'])
          response.json({ id: request.params.id })
        })
        const warm = onHono()
        new Hono().use(warm).get('/users/:id', warm.cached({ staleMs: 1_000 }), (c) => c.json({ id: c.req.param('id') }))
      `,
    })
  })
})

const tsc = join(repository, 'node_modules/typescript/bin/tsc')

async function install(name: string): Promise<string> {
  const app = join(folder, name)
  await mkdir(app)
  await writeFile(join(app, 'package.json'), '{ "type": "module", "private": true }')
  const packages = [tarball, ...dependencies]
  const options = ['--offline', '--omit=peer', '--no-audit', '--no-fund']
  await run('npm', ['install', ...packages, ...options], { cwd: app })
  return app
}

function importIn(app: string, subpath: string): Promise<{ stdout: string }> {
  const code = `console.log(JSON.stringify(Object.keys(await import('${subpath}'))))`
  return run(process.execPath, ['--input-type=module', '--eval', code], { cwd: app })
}

async function check(app: string, files: Record<string, string>): Promise<void> {
  const types = join(app, 'node_modules/@types')
  await mkdir(types, { recursive: true })
  await symlink(join(repository, 'node_modules/@types/node'), join(types, 'node'))
  const compilerOptions = {
    target: 'es2024',
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
    types: ['node'],
    lib: ['es2024', 'esnext.disposable'],
  }
  await writeFile(
    join(app, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: Object.keys(files) }),
  )
  for (const [name, text] of Object.entries(files)) await writeFile(join(app, name), text)
  const outcome = await run(process.execPath, [tsc, '-p', app], { cwd: app }).then(
    () => 'passes',
    (error: { stdout: string }) => error.stdout,
  )
  expect(outcome).toBe('passes')
}
