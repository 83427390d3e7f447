import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import type { Result } from './report.ts'

function run(...args: string[]): ChildProcess {
  const main = fileURLToPath(new URL('../run.ts', import.meta.url))
  return spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
}

async function outcomeOf(bench: ChildProcess): Promise<{ status: unknown; output: string }> {
  let output = ''
  bench.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text))
  bench.stderr?.resume()
  const [status] = await once(bench, 'close')
  return { status, output }
}

test('without a name the benches are listed', async () => {
  const { status, output } = await outcomeOf(run())
  expect(status).toBe(0)
  expect(output).toMatch(/^ {2}pool$/m)
})

test('a name that there is none of lists them too, and fails', async () => {
  const { status, output } = await outcomeOf(run('no-such-bench'))
  expect(status).toBe(2)
  expect(output).toMatch(/^ {2}events$/m)
})

test('the last line has every contender and claim, and the exit status follows the claims', async () => {
  const { status, output } = await outcomeOf(run('events', '--rounds', '1'))
  const result = JSON.parse(output.trimEnd().split('\n').at(-1) ?? '') as Result
  expect(result.bench).toBe('events')
  expect(result.machine.cores).toBeGreaterThan(0)
  expect(Object.keys(result.contenders)).toContain('event, nobody listens')
  for (const medians of Object.values(result.contenders)) {
    expect(medians).toEqual({
      'step.cpuNsPerOperation': expect.any(Number),
      'step.nsPerOperation': expect.any(Number),
    })
  }
  expect(result.claims.length).toBeGreaterThan(0)
  expect(status).toBe(result.claims.every(({ holds }) => holds) ? 0 : 1)
})

test('Ctrl-C leaves no process behind', async () => {
  const bench = run('events')
  const outcome = outcomeOf(bench)
  const contenderOf = () =>
    readFileSync(`/proc/${bench.pid}/task/${bench.pid}/children`, 'utf8')
      .split(' ')
      .filter(Boolean)
      // Not a tool that the bench asks about the machine, which is gone before one can look.
      .find((pid) => readCommandLine(pid).includes('contender-main'))
  const contender = await vi.waitUntil(contenderOf, { timeout: 20_000, interval: 5 })
  bench.kill('SIGINT')
  expect(await outcome).toMatchObject({ status: 130 })
  await vi.waitFor(() => expect(() => process.kill(Number(contender), 0)).toThrow('ESRCH'))
})

function readCommandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
