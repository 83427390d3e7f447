import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { resolveModule } from './module-url.ts'

test('takes what was built from a source that is not there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hotpath-module-'))
  writeFileSync(join(folder, 'a.js'), '')
  writeFileSync(join(folder, 'b.mjs'), '')
  writeFileSync(join(folder, 'c.ts'), '')
  writeFileSync(join(folder, 'c.js'), '')
  const found = (name: string) => resolveModule(pathToFileURL(join(folder, name)))
  expect(found('a.ts')).toMatch(/\/a\.js$/)
  expect(found('b.mts')).toMatch(/\/b\.mjs$/)
  expect(found('c.ts')).toMatch(/\/c\.ts$/)
  expect(() => found('d.ts')).toThrow(/there is no worker module .*d\.ts/)
})
