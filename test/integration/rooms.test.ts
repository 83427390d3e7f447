import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

// The rules of ARCHITECTURE.md are the linter's. Here it is shown on a small tree of files that each
// of them fires, and that it lets pass what is allowed.

const repository = fileURLToPath(new URL('../..', import.meta.url))
let tree: string

beforeAll(async () => {
  tree = await mkdtemp(join(tmpdir(), 'hotpath-rooms-'))
  await cp(join(repository, '.oxlintrc.json'), join(tree, '.oxlintrc.json'))
})

afterAll(() => rm(tree, { recursive: true, force: true }))

test.each([
  ['src/core/a.ts', '../cache/index.ts'],
  ['src/core/a.ts', 'pg'],
  ['src/core/a.ts', 'ioredis'],
  ['src/core/a.ts', 'nope'],
  ['src/cache/a.ts', '../postgres/index.ts'],
  ['src/cache/a.ts', '../core/errors.ts'],
  ['src/cache/a.ts', '../memo/bounded-store.ts'],
  ['src/cache/a.ts', 'redis'],
  ['src/cache/a.ts', '../../test/services.ts'],
  ['src/cache/deep/a.ts', '../../postgres/index.ts'],
  ['src/memo/a.ts', '../cache/index.ts'],
  ['src/postgres/a.ts', '../stream/index.ts'],
  ['src/postgres/a.ts', '../cache/index.ts'],
  ['src/postgres/a.ts', 'fastify'],
  ['src/stream/a.ts', '../postgres/index.ts'],
  ['src/tasks/a.ts', '../postgres/index.ts'],
  ['src/limit/a.ts', '../cache/index.ts'],
  ['src/compress/a.ts', '../http/index.ts'],
  ['src/compress/a.ts', '../cache/index.ts'],
  ['src/compress/a.ts', 'hono'],
  ['src/http/a.ts', '../adapters/fastify/index.ts'],
  ['src/http/a.ts', '../adapters/node/index.ts'],
  ['src/http/a.ts', '../compress/negotiate.ts'],
  ['src/http/a.ts', 'fastify'],
  ['src/http/a.ts', 'express'],
  ['src/doctor/a.ts', '../cache/index.ts'],
  ['src/adapters/fastify/a.ts', '../../cache/index.ts'],
  ['src/adapters/fastify/a.ts', '../../http/answer.ts'],
  ['src/adapters/fastify/a.ts', '../express/index.ts'],
  ['src/adapters/express/a.ts', 'fastify'],
  ['src/adapters/express/a.ts', '../../http/node-step.ts'],
  ['src/adapters/express/a.ts', '../node/index.ts'],
  ['src/adapters/hono/a.ts', 'express'],
  ['src/adapters/hono/a.ts', '../../cache/index.ts'],
  ['src/adapters/hono/a.ts', '../express/index.ts'],
  ['src/adapters/node/a.ts', 'express'],
  ['src/adapters/node/a.ts', 'hono'],
  ['src/adapters/node/a.ts', '../../http/node-step.ts'],
  ['src/adapters/node/a.ts', '../fastify/index.ts'],
  ['src/core/a.test.ts', '../cache/keys.ts'],
  ['src/cache/a.test.ts', '../../test/services.ts'],
  ['src/adapters/fastify/a.test.ts', '../../http/answer.ts'],
])('%s may not import %s', async (file, source) => {
  expect(await lint(file, source)).toContain('no-restricted-imports')
})

test.each([
  ['src/core/a.ts', 'node:events'],
  ['src/core/a.ts', './errors.ts'],
  ['src/cache/a.ts', '../core/index.ts'],
  ['src/cache/a.ts', '../memo/index.ts'],
  ['src/stream/a.ts', '../batch/index.ts'],
  ['src/stream/a.ts', '../workers/index.ts'],
  ['src/tasks/a.ts', '../workers/index.ts'],
  ['src/postgres/a.ts', 'pg'],
  ['src/http/a.ts', '../cache/index.ts'],
  ['src/compress/a.ts', '../core/index.ts'],
  ['src/http/a.ts', '../compress/index.ts'],
  ['src/adapters/fastify/a.ts', '../../http/index.ts'],
  ['src/adapters/fastify/a.ts', 'fastify'],
  ['src/adapters/express/a.ts', '../../http/index.ts'],
  ['src/adapters/express/a.ts', 'express'],
  ['src/adapters/hono/a.ts', '../../core/index.ts'],
  ['src/adapters/hono/a.ts', 'hono'],
  ['src/adapters/node/a.ts', '../../http/index.ts'],
  ['src/core/a.test.ts', 'vitest'],
  ['src/cache/a.test.ts', '../core/clock.ts'],
  ['src/cache/a.test.ts', './keys.ts'],
])('%s may import %s', async (file, source) => {
  expect(await lint(file, source)).not.toContain('no-restricted-imports')
})

test('a cycle between files is found', async () => {
  await write('src/cache/one.ts', "import { two } from './two.ts'\nexport const one = () => two\n")
  await write('src/cache/two.ts', "import { one } from './one.ts'\nexport const two = () => one\n")
  expect(await oxlint('src/cache/one.ts', 'src/cache/two.ts')).toContain('no-cycle')
})

async function lint(file: string, source: string): Promise<string> {
  await write(file, `import { something } from '${source}'\nexport const used = something\n`)
  try {
    return await oxlint(file)
  } finally {
    await rm(join(tree, file))
  }
}

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(join(tree, file)), { recursive: true })
  await writeFile(join(tree, file), text)
}

async function oxlint(...files: string[]): Promise<string> {
  const command = join(repository, 'node_modules/oxlint/bin/oxlint')
  const outcome = await promisify(execFile)(process.execPath, [command, ...files], {
    cwd: tree,
  }).catch((error: { stdout: string }) => error)
  return outcome.stdout
}
