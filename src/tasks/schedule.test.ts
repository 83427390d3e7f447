import { describe, expect, test } from 'vitest'
import { createManualClock } from '../core/index.ts'
import { Schedule } from './schedule.ts'

const startMs = Date.UTC(2026, 0, 1, 0, 0, 30)
const minuteMs = 60_000

describe('a schedule', () => {
  test('is due at the moments of its pattern, in its time zone', () => {
    const clock = createManualClock(startMs)
    const due: string[] = []
    const tick = async (atMs: number) => void due.push(new Date(atMs).toISOString())
    new Schedule('0 * * * *', 'UTC', clock, tick).start()
    new Schedule('30 3 * * *', 'Asia/Kolkata', clock, tick).start()
    clock.advance(2 * 60 * minuteMs)
    expect(due).toEqual(['2026-01-01T01:00:00.000Z', '2026-01-01T02:00:00.000Z'])
    clock.advance(20 * 60 * minuteMs)
    expect(due.at(-1)).toBe('2026-01-01T22:00:00.000Z')
    expect(due.filter((at) => at === '2026-01-01T22:00:00.000Z')).toHaveLength(2)
  })

  test('goes on over months, for which no timer can wait', () => {
    const clock = createManualClock(startMs)
    const due: number[] = []
    new Schedule('0 0 1 7 *', 'UTC', clock, async (atMs) => void due.push(atMs)).start()
    clock.advance(366 * 24 * 60 * minuteMs)
    expect(due).toEqual([Date.UTC(2026, 6, 1)])
  })

  test('is not late by what the time of the system is set forward, and runs once when started twice', () => {
    const clock = createManualClock(startMs)
    let setByMs = 0
    const set = { ...clock, epochMs: () => clock.epochMs() + setByMs }
    const due: number[] = []
    const schedule = new Schedule('0 * * * *', 'UTC', set, async (atMs) => void due.push(atMs))
    schedule.start()
    schedule.start()
    setByMs = 45 * minuteMs
    clock.advance(15 * minuteMs)
    expect(due).toEqual([Date.UTC(2026, 0, 1, 1)])
  })

  test('tries a tick again that was refused, until the next one', async () => {
    const clock = createManualClock(startMs)
    const asked: number[] = []
    const schedule = new Schedule('* * * * *', 'UTC', clock, async (atMs) => {
      asked.push(atMs)
      if (asked.length < 3) throw new Error('the store is away')
    })
    schedule.start()
    clock.advance(30_000)
    for (let n = 0; n < 5; n++) {
      await Promise.resolve()
      await Promise.resolve()
      clock.advance(1_000)
    }
    expect(asked).toEqual(Array.from({ length: 3 }, () => startMs + 30_000))
    schedule.stop()
    clock.advance(10 * minuteMs)
    expect(asked).toHaveLength(3)
  })

  test.each([
    ['nonsense', 'UTC'],
    ['* * * * *', 'Mars/Olympus'],
    ['0 0 30 2 *', 'UTC'],
  ])('%s in %s is refused', (pattern, timeZone) => {
    const make = () => new Schedule(pattern, timeZone, createManualClock(startMs), async () => {})
    expect(make).toThrow('the cron pattern must be')
  })
})
