import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { needsProgram } from './program.ts'

const tasksMain = new URL('./full-disk-main.ts', import.meta.url).pathname
const uploadMain = new URL('../uploads/receive-main.ts', import.meta.url).pathname
const disk = mkdtempSync(join(tmpdir(), 'hotpath-disk-'))
afterAll(() => rmSync(disk, { recursive: true }))

// A disk of the process's own, which nobody else sees.
const unshare = ['--user', '--map-root-user', '--mount']
needsProgram('util-linux', 'unshare', ...unshare, 'mount', '-t', 'tmpfs', 'tmpfs', disk)

function onDiskOf(megabytes: number, script: string, ...args: string[]): string {
  const mount = `mount -t tmpfs -o size=${megabytes}m tmpfs "$0" && ${script}`
  const command = [...unshare, 'sh', '-c', mount, disk, process.execPath, ...args]
  return execFileSync('unshare', command, { encoding: 'utf8', timeout: 25_000 })
}

test('tasks on SQLite: it refuses clearly, loses nothing, and is used again when there is room', () => {
  const told = onDiskOf(3, 'exec "$1" "$2" "$0"', tasksMain)
  const { slow, acknowledged, states, refusals } = JSON.parse(told) as Record<string, unknown>
  expect(slow).toBe('completed')
  expect(acknowledged).toBeGreaterThan(50)
  expect(states).toEqual({ completed: acknowledged })
  expect(refusals).toHaveLength(1)
  expect(String(refusals)).toMatch(/HotpathError.*the disk is full; nothing of this was stored/)
})

test('an upload: it is said to be full, and keeps nothing', () => {
  const told = onDiskOf(2, '"$1" "$2" "$0" 9000000; ls -A "$0"', uploadMain)
  expect(told).toBe('HOTPATH_TASKS_UPLOAD_DISK_FULL\n')
})
