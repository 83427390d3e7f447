import { execFile } from 'node:child_process'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test, vi } from 'vitest'
import { createManualClock } from '../core/clock.ts'
import { components } from '../core/registry.ts'
import { createRuntimeMonitor } from './runtime-monitor.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function block(forMs: number): void {
  const endMs = performance.now() + forMs
  while (performance.now() < endMs);
}

test('sees a blocked event loop, in the interval in which it was', async () => {
  const clock = createManualClock()
  await using monitor = createRuntimeMonitor({ clock, intervalMs: 1_000 })
  await vi.waitFor(() => {
    block(80)
    expect(monitor.stats().loop.delay.maxMs).toBeGreaterThan(40)
  })
  clock.advance(1_000)
  const { delay, utilization, activeMs } = monitor.stats().loop
  expect(delay.maxMs).toBeGreaterThan(40)
  expect(delay.p99Ms).toBeGreaterThanOrEqual(delay.p50Ms)
  expect(utilization).toBeGreaterThan(0)
  expect(activeMs).toBeGreaterThan(40)
  // A finished interval stands until the next one ends.
  expect(monitor.stats().loop.delay).toEqual(delay)
  clock.advance(1_000)
  expect(monitor.stats().loop.delay).toEqual({
    minMs: 0,
    maxMs: 0,
    meanMs: 0,
    stddevMs: 0,
    p50Ms: 0,
    p90Ms: 0,
    p99Ms: 0,
  })
})

// Twelve collections of a test runner's heap take some seconds on a busy machine.
test('times collections, and reads the heap that they leave', { timeout: 30_000 }, async () => {
  const clock = createManualClock()
  await using monitor = createRuntimeMonitor({ clock })
  expect(monitor.stats().heap.afterGcBytes).toBeUndefined()
  const kept: unknown[] = []
  for (let round = 1; round <= 12; round++) {
    kept.push(Array.from({ length: 50_000 }, () => ({ round })))
    collectGarbage()
    // Not the count of collections: one that is asked for is two in Node 22.
    await vi.waitFor(() => expect(monitor.stats().heap.trend.samples).toBe(round), {
      timeout: 10_000,
    })
    clock.advance(60_000)
  }
  const { gc, heap } = monitor.stats()
  expect(gc.major.sumMs).toBeGreaterThan(0)
  expect(heap.afterGcBytes).toBeGreaterThan(1e6)
  expect(heap.afterGcBytes).toBeLessThanOrEqual(heap.limitBytes)
  expect(heap.trend).toMatchObject({ state: 'growing', samples: 12 })
  // 12 × 50,000 objects of 16 to 40 bytes, one lot a minute.
  expect(heap.trend.bytesPerHour).toBeGreaterThan(40e6)
  expect(heap.trend.bytesPerHour).toBeLessThan(400e6)
})

test('tells of memory, CPU time, threads and resources', async () => {
  await using monitor = createRuntimeMonitor()
  const timer = setTimeout(() => {}, 60_000)
  const stats = monitor.stats()
  clearTimeout(timer)
  expect(stats.rssBytes).toBeGreaterThan(stats.heap.usedBytes / 2)
  expect(stats.cpuUserMs).toBeGreaterThan(0)
  expect(stats.resourcesByType['Timeout']).toBeGreaterThanOrEqual(1)
  expect(stats.activeResources).toBeGreaterThanOrEqual(1)
  if (process.platform === 'linux') expect(stats.threads).toBeGreaterThan(4)
})

test('is a component until it is closed, and hears of nothing afterwards', async () => {
  const clock = createManualClock()
  const after = vi.spyOn(clock, 'after')
  const monitor = createRuntimeMonitor({ clock, name: 'watched' })
  const names = () => components().map(({ name }) => name)
  expect(names()).toContain('watched')
  await monitor.close()
  await monitor.close()
  expect(names()).not.toContain('watched')
  const before = monitor.stats().gc.major.count
  collectGarbage()
  await nextTurn()
  clock.advance(60_000)
  expect(monitor.stats().gc.major.count).toBe(before)
  expect(after).toHaveBeenCalledTimes(1)
})

test('does not hold the process open', { timeout: 30_000 }, async () => {
  const program = `
    import { createRuntimeMonitor } from ${JSON.stringify(new URL('runtime-monitor.ts', import.meta.url).href)}
    console.log(createRuntimeMonitor().name)
  `
  const node = ['--input-type=module', '--eval', program]
  const { stdout } = await promisify(execFile)(process.execPath, node, { timeout: 20_000 })
  expect(stdout).toBe('runtime\n')
})

test.each([{ intervalMs: 0 }, { intervalMs: 2 ** 31 }, { name: '' }, { every: 5 }])(
  'refuses %o',
  (options) => {
    expect(() => createRuntimeMonitor(options as object)).toThrow(
      expect.objectContaining({ code: 'HOTPATH_OPTION_INVALID' }),
    )
  },
)
