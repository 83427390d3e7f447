import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { needsProgram } from './program.ts'

const enqueueMain = new URL('../integration/tasks-sqlite/enqueue-main.ts', import.meta.url).pathname
const root = mkdtempSync(join(tmpdir(), 'hotpath-fsync-'))
afterAll(() => rmSync(root, { recursive: true }))

needsProgram('strace', 'strace', '-o', '/dev/null', 'true')

test('an acknowledgement comes after the fsync of what was written', () => {
  const trace = join(root, 'trace')
  const calls = 'trace=pwrite64,fdatasync,fsync,write'
  execFileSync('strace', [
    '-f',
    '-o',
    trace,
    '-s',
    '40',
    '-e',
    calls,
    '-y',
    process.execPath,
    enqueueMain,
    join(root, 'tasks.db'),
    '20',
  ])
  let unsynced = 0
  let writes = 0
  let acknowledged = 0
  for (const line of readFileSync(trace, 'utf8').split('\n')) {
    if (/pwrite64\(\d+<[^>]*-wal>/.test(line)) {
      unsynced++
      writes++
    }
    // A call that another thread interrupts in the trace ends on its "resumed" line.
    else if (/f(?:data)?sync\(\d+<[^>]*-wal>\)\s+= 0|f(?:data)?sync resumed>\)\s+= 0/.test(line))
      unsynced = 0
    else if (line.includes('"acknowledged')) {
      acknowledged++
      expect(unsynced, line).toBe(0)
    }
  }
  expect(acknowledged).toBe(20)
  expect(writes).toBeGreaterThan(20)
})
