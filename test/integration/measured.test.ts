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
  folder = await mkdtemp(join(tmpdir(), 'hotpath-measured-'))
  await symlink(modules, join(folder, 'node_modules'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

const source = `
import { components } from 'hotpath'
import { measured } from 'hotpath/measure'

class Invoices {
  readonly #rate: number

  constructor(rate: number) {
    this.#rate = rate
  }

  @measured()
  total(net: number): number {
    return net * this.#rate
  }

  @measured({ name: 'Invoices.render' })
  async render(net: number): Promise<string> {
    return 'total: ' + this.#sum(net)
  }

  @measured()
  #sum(net: number): number {
    return this.total(net)
  }

  @measured()
  *lines(upTo: number): Generator<number> {
    for (let line = 1; line <= upTo; line++) yield this.total(line)
  }

  @measured()
  async *pages(): AsyncGenerator<number> {
    yield this.#rate
  }

  @measured()
  static create(rate: number): Invoices {
    if (rate < 0) throw new RangeError('a negative rate')
    return new this(rate)
  }
}

const invoices: Invoices = Invoices.create(2)
const text: string = await invoices.render(21)
const lines: number[] = [...invoices.lines(2)]
const pages: number[] = []
for await (const page of invoices.pages()) pages.push(page)
try {
  Invoices.create(-1)
} catch {}
const calls = components().map(({ name, stats }) => [name, stats()])
const counted = calls.map(([name, { calls, errors }]: any) => [name, calls, errors])
console.log(JSON.stringify({ text, lines, pages, name: invoices.total.name, counted }))
`

test('@measured works as a compiler writes it, on all kinds of methods', async () => {
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  await writeFile(join(folder, 'invoices.ts'), source)
  const flags = ['--target', 'es2022', '--module', 'nodenext', '--strict', '--types', 'node']
  await run(join(modules, '.bin/tsc'), [...flags, 'invoices.ts'], { cwd: folder })
  const { stdout } = await run(process.execPath, ['invoices.js'], { cwd: folder })
  expect(JSON.parse(stdout)).toEqual({
    text: 'total: 42',
    lines: [2, 4],
    pages: [2],
    name: 'total',
    counted: expect.arrayContaining([
      ['total', 3, 0],
      ['Invoices.render', 1, 0],
      ['#sum', 1, 0],
      ['lines', 1, 0],
      ['pages', 1, 0],
      ['create', 2, 1],
    ]),
  })
})
