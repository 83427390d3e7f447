import { expect, test } from 'vitest'
import { createManualClock } from '../core/index.ts'
import { sizingHint, type Sizing } from './sizing.ts'
import { Workload, type WorkloadSlice } from './workload.ts'

/** Half a minute in which so many a second came and each took so long. */
function halfMinute(perSecond: number, serviceMs: number, waited = 0): WorkloadSlice {
  const arrived = perSecond * 30
  return { lengthMs: 30_000, arrived, waited, served: arrived, busyMs: arrived * serviceMs }
}

test('no hint before half a minute is over, nor of a few queries', () => {
  expect(sizingHint([], 10, {})).toMatchObject({ verdict: 'notEnoughData' })
  expect(sizingHint([halfMinute(3, 5)], 10, {})).toMatchObject({ verdict: 'notEnoughData' })
})

test('the load by Little’s law, and the connections of M/M/c for it', () => {
  // 1,000 a second of 5 ms keep 5 connections busy; of 10 connections 3.6 % find all busy.
  const slices = [halfMinute(200, 5), halfMinute(1_000, 5), halfMinute(50, 5)]
  const hint = sizingHint(slices, 10, {})
  expect(hint).toMatchObject({ verdict: 'keep', suggestedConnections: 10, serviceMs: 5 })
  expect((hint as Sizing).load).toBeCloseTo(5)
  expect((hint as Sizing).arrivalsPerSecond).toBeCloseTo(1_000)
  expect(hint.advice).toBe(
    'In the busiest half minute 5 of 10 connections were needed (1000 queries a second, ' +
      '5 ms of a connection each) and 0 % waited; with 10 at most 5 % would. ' +
      'Leave maxConnections as it is.',
  )
  expect(sizingHint(slices, 30, {})).toMatchObject({ verdict: 'lower' })
  expect(sizingHint(slices, 8, {})).toMatchObject({ verdict: 'raise' })
  expect(sizingHint(slices, 10, { waitingRatio: 0.4 })).toMatchObject({ suggestedConnections: 7 })
})

test('a pool that cannot keep up needs more connections than it has', () => {
  const slice = { lengthMs: 30_000, arrived: 6_000, waited: 5_900, served: 3_000, busyMs: 120_000 }
  const hint = sizingHint([slice], 4, {})
  expect(hint).toMatchObject({ verdict: 'raise', load: 8 })
  expect((hint as Sizing).suggestedConnections).toBeGreaterThan(8)
})

test('more that wait than the load explains', () => {
  expect(sizingHint([halfMinute(100, 5, 900)], 10, {})).toMatchObject({ verdict: 'bursts' })
})

test('a goal that is none', () => {
  expect(() => sizingHint([], 10, { waitingRatio: 1 })).toThrow(/waitingRatio/)
})

test('busy time is counted where it falls, however long it lasts', () => {
  const clock = createManualClock()
  const workload = new Workload(clock.monotonicMs())
  const now = () => clock.monotonicMs()
  clock.advance(20_000)
  workload.begun(now())
  workload.begun(now())
  workload.arrived(false)
  clock.advance(20_000)
  workload.ended(now())
  workload.served()
  clock.advance(50_000)
  expect(workload.slices(now())).toEqual([
    { lengthMs: 30_000, arrived: 1, waited: 0, served: 0, busyMs: 20_000 },
    { lengthMs: 30_000, arrived: 0, waited: 0, served: 1, busyMs: 40_000 },
    { lengthMs: 30_000, arrived: 0, waited: 0, served: 0, busyMs: 30_000 },
  ])
  clock.advance(3_600_000)
  const slices = workload.slices(now())
  expect(slices).toHaveLength(10)
  expect(slices.at(-1)).toMatchObject({ lengthMs: 30_000, busyMs: 30_000 })
})

test('a simulated pool: the hint finds the load that made it', () => {
  const clock = createManualClock()
  const workload = new Workload(clock.monotonicMs())
  // Six connections, each of which works for 4 ms and rests for 6 ms: 2.4 are busy on average.
  for (let step = 0; step < 6_000; step++) {
    const nowMs = clock.monotonicMs()
    for (let connection = 0; connection < 6; connection++) {
      workload.arrived(false)
      workload.begun(nowMs)
    }
    clock.advance(4)
    for (let connection = 0; connection < 6; connection++) {
      workload.ended(clock.monotonicMs())
      workload.served()
    }
    clock.advance(6)
  }
  const hint = sizingHint(workload.slices(clock.monotonicMs()), 10, {}) as Sizing
  expect(hint.load).toBeCloseTo(2.4, 1)
  expect(hint.serviceMs).toBeCloseTo(4, 1)
})
