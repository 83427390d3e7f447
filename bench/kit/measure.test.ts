import { expect, test } from 'vitest'
import type { CallersWorkload } from './bench.ts'
import { measureAwaited, measureCallers, measureOperations } from './measure.ts'

const operations = { kind: 'operations', about: '', warmupMs: 60, sliceMs: 30 } as const
const callers: CallersWorkload = {
  kind: 'callers',
  about: '',
  callers: 3,
  inputs: [1, 2, 3, 4],
  check: (answer, input) => answer === input * 2,
  warmupMs: 5,
  sliceMs: 20,
}

test('an operation is repeated in batches and its time divided by their number', () => {
  let largest = 0
  const sample = measureOperations(operations, (times) => {
    largest = Math.max(largest, times)
    let sum = 0
    for (let i = 0; i < times; i++) sum += Math.sqrt(i)
    return sum
  })
  expect(largest).toBeGreaterThan(1)
  expect(sample['nsPerOperation']).toBeGreaterThan(0)
  expect(sample['cpuNsPerOperation']).toBeGreaterThan(0)
})

test('an operation without a result is refused: it might have been compiled away', () => {
  expect(() => measureOperations(operations, () => Number.NaN)).toThrow('must return a number')
})

test('an awaited operation is repeated in batches, between which timers fire', async () => {
  let largest = 0
  let fired = 0
  const timer = setInterval(() => fired++, 1)
  const awaited = { ...operations, kind: 'awaited' } as const
  const sample = await measureAwaited(awaited, async (times) => {
    largest = Math.max(largest, times)
    let sum = 0
    for (let i = 0; i < times; i++) sum += await Promise.resolve(i)
    return sum
  })
  clearInterval(timer)
  expect(largest).toBeGreaterThan(1)
  expect(fired).toBeGreaterThan(10)
  expect(sample['nsPerOperation']).toBeGreaterThan(0)
  expect(sample['cpuNsPerOperation']).toBeGreaterThan(0)
})

test('as many callers as asked for call at once, with the inputs in turn', async () => {
  const seen: number[] = []
  let underWay = 0
  let most = 0
  const sample = await measureCallers(callers, async (input) => {
    seen.push(input)
    most = Math.max(most, ++underWay)
    await new Promise((resolve) => void setImmediate(resolve))
    underWay--
    return input * 2
  })
  expect(most).toBe(3)
  expect(seen.slice(0, 6)).toEqual([1, 2, 3, 4, 1, 2])
  expect(Object.keys(sample)).toEqual([
    'perSecond',
    'cpuMicrosPerCall',
    'p50Ms',
    'p99Ms',
    'peakRssMb',
  ])
})

test('a wrong answer ends the measurement', async () => {
  await expect(measureCallers(callers, async () => 7)).rejects.toThrow('a wrong answer to 1: 7')
})
