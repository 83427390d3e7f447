import { execFile } from 'node:child_process'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const run = promisify(execFile)
const modules = fileURLToPath(new URL('../../node_modules', import.meta.url))
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hotpath-memoized-'))
  await symlink(modules, join(folder, 'node_modules'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

const source = `
import { memoized } from 'hotpath/memo'

class Prices {
  calls: number = 0

  @memoized({ maxEntries: 10, ttlMs: 60_000, key: (id) => id })
  async of(id: number): Promise<number> {
    this.calls++
    return id * 2
  }

  @memoized()
  #double(id: number): number {
    this.calls += 10
    return id * 2
  }

  twice(id: number): number {
    return this.#double(id) + this.#double(id)
  }
}

const prices: Prices = new Prices()
const answers: number[] = await Promise.all([prices.of(4), prices.of(4)])
console.log(JSON.stringify([...answers, prices.twice(1), prices.calls]))
`

test('@memoized works as a compiler writes it, on public and private methods', async () => {
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  await writeFile(join(folder, 'prices.ts'), source)
  const flags = ['--target', 'es2022', '--module', 'nodenext', '--strict', '--types', 'node']
  await run(join(modules, '.bin/tsc'), [...flags, 'prices.ts'], { cwd: folder })
  const { stdout } = await run(process.execPath, ['prices.js'], { cwd: folder })
  expect(JSON.parse(stdout)).toEqual([8, 8, 4, 11])
})
