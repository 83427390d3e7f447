import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createManualClock, systemClock } from './clock.ts'

describe('createManualClock', () => {
  test('stands still until it is moved', () => {
    const clock = createManualClock(1_000)
    expect([clock.monotonicMs(), clock.epochMs()]).toEqual([0, 1_000])
    clock.advance(250)
    expect([clock.monotonicMs(), clock.epochMs()]).toEqual([250, 1_250])
  })

  test('a timer rings once, when it falls due and not before', () => {
    const clock = createManualClock()
    let rings = 0
    clock.after(100, () => rings++)
    clock.advance(99)
    expect(rings).toBe(0)
    clock.advance(1)
    clock.advance(1_000)
    expect(rings).toBe(1)
  })

  test('a cancelled timer never rings', () => {
    const clock = createManualClock()
    const timer = clock.after(10, () => expect.unreachable())
    timer.cancel()
    clock.advance(100)
    timer.cancel()
    expect(clock.monotonicMs()).toBe(100)
  })

  test('timers ring in the order of their times, and of their making when these are equal', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50)), fc.array(fc.nat(20)), (delays, steps) => {
        const clock = createManualClock()
        const rung: { delayMs: number; place: number; atMs: number }[] = []
        for (const [place, delayMs] of delays.entries()) {
          clock.after(delayMs, () => rung.push({ delayMs, place, atMs: clock.monotonicMs() }))
        }
        for (const step of [...steps, 50]) clock.advance(step)

        const expected = delays
          .map((delayMs, place) => ({ delayMs, place, atMs: delayMs }))
          .toSorted((a, b) => a.delayMs - b.delayMs || a.place - b.place)
        expect(rung).toEqual(expected)
      }),
    )
  })

  test('a timer set by a timer rings in the same move when it is due', () => {
    const clock = createManualClock()
    const rung: number[] = []
    const ring = () => {
      rung.push(clock.monotonicMs())
      if (rung.length < 5) clock.after(10, ring)
    }
    clock.after(10, ring)
    clock.advance(35)
    expect(rung).toEqual([10, 20, 30])
    expect(clock.monotonicMs()).toBe(35)
  })
})

describe('systemClock', () => {
  test('goes forward, and knows the date', () => {
    const before = Date.now()
    const first = systemClock.monotonicMs()
    expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(first)
    expect(systemClock.epochMs()).toBeGreaterThanOrEqual(before)
  })

  test('rings, and not when cancelled', async () => {
    const cancelled = systemClock.after(0, () => expect.unreachable())
    cancelled.cancel()
    await new Promise<void>((resolve) => void systemClock.after(1, resolve))
  })

  test('does not hold the process open', () => {
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const timer = systemClock.after(60_000, () => {})
    const after = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    timer.cancel()
    expect(after).toBe(before)
  })
})
