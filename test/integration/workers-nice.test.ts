import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const main = fileURLToPath(new URL('../workers/nice-main.ts', import.meta.url))

// Elsewhere than on Linux a process has one nice value, and keeps it.
const inThread = (nice: number) => (process.platform === 'linux' ? Math.max(nice, 10) : nice)

test.each([0, 15])('in a process of nice value %d only worker threads give way', async (nice) => {
  const { stdout } = await promisify(execFile)(process.execPath, [main, String(nice)])
  const { mainThread, pool, worker } = JSON.parse(stdout) as Record<string, number[]>
  expect(mainThread).toEqual([nice])
  expect(pool).toEqual([nice])
  expect(worker).toEqual([inThread(nice)])
})
