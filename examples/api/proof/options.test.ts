import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Refusal } from './failure.ts'
import { checkJsonPath, readOptions, usage } from './options.ts'

describe('options', () => {
  test('without any: short rounds, a generated site, and the API stays up on 3000', () => {
    expect(readOptions([])).toEqual({
      isHelp: false,
      isExiting: false,
      durationMs: undefined,
      rounds: 3,
      jsonPath: undefined,
      dumpFolder: undefined,
      port: 3_000,
    })
  })

  test('reads all of them', () => {
    const args = ['--exit', '--full', '--json', '/a/b.json', '--dump', '/dump', '--port', '0']
    expect(readOptions(args)).toEqual({
      isHelp: false,
      isExiting: true,
      durationMs: 300_000,
      rounds: 7,
      jsonPath: '/a/b.json',
      dumpFolder: '/dump',
      port: 0,
    })
  })

  test('the usage lists every option', () => {
    for (const name of ['exit', 'json', 'full', 'seconds', 'dump', 'port', 'help']) {
      expect(usage).toContain(`--${name}`)
    }
  })

  test.each([
    [['--exits'], "Unknown option '--exits'"],
    [['--json'], "Option '--json <value>' argument missing"],
    [['extra'], "Unexpected argument 'extra'"],
    [['--port', '80a'], '--port takes a number from 0 to 65535, not 80a.'],
    [['--port', '65536'], 'not 65536.'],
    [['--seconds', '0'], '--seconds takes a whole number above 0, not 0.'],
  ])('%j is refused in one sentence', (args, sentence) => {
    expect(() => readOptions(args)).toThrow(Refusal)
    expect(() => readOptions(args)).toThrow(sentence)
    expect(() => readOptions(args)).toThrow(/^[^\n]+\.$/)
  })

  test('a report that cannot be written is refused before the work', async () => {
    await expect(checkJsonPath(join(tmpdir(), 'proof.json'))).resolves.toBeUndefined()
    await expect(checkJsonPath('/nowhere/at/all.json')).rejects.toThrow(Refusal)
  })
})
