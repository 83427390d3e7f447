import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

// A fence marked `ts run` is a program; `//> text` behind a line is what that line prints.
const repository = fileURLToPath(new URL('../..', import.meta.url))
const folder = new URL('../../docs/guides/', import.meta.url)
const programs = readdirSync(folder).flatMap((name) =>
  [...readFileSync(new URL(name, folder), 'utf8').matchAll(/^```ts run\n(.*?)^```/gms)].map(
    ([, program = ''], index) => ({ name: `${name}, program ${index + 1}`, program }),
  ),
)

test('the guides to every room and framework but PostgreSQL have programs', () => {
  const names = programs.map(({ name }) => name)
  expect(names).toEqual(
    expect.arrayContaining([
      expect.stringContaining('budgets.md'),
      expect.stringContaining('batch.md'),
      expect.stringContaining('caching.md'),
      expect.stringContaining('client-address.md'),
      expect.stringContaining('compression.md'),
      expect.stringContaining('express.md'),
      expect.stringContaining('fastify.md'),
      expect.stringContaining('hono.md'),
      expect.stringContaining('http-caching.md'),
      expect.stringContaining('limiting.md'),
      expect.stringContaining('limiting-with-redis.md'),
      expect.stringContaining('load-shedding.md'),
      expect.stringContaining('measure.md'),
      expect.stringContaining('memo.md'),
      expect.stringContaining('metrics.md'),
      expect.stringContaining('node-http.md'),
      expect.stringContaining('stream.md'),
      expect.stringContaining('tasks-http.md'),
      expect.stringContaining('tasks.md'),
      expect.stringContaining('workers.md'),
    ]),
  )
})

test.each(programs)('$name prints what it says', async ({ program }) => {
  const promised = [...program.matchAll(/\/\/> (.*)/g)].map(([, text]) => text)
  const node = ['--input-type=module-typescript', '--eval', program]
  const { stdout } = await promisify(execFile)(process.execPath, node, { cwd: repository })
  expect(promised.length).toBeGreaterThan(0)
  expect(stdout.trimEnd().split('\n')).toEqual(promised)
})
