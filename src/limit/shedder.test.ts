import { expect, test } from 'vitest'
import { components, createManualClock, HotpathError, listen } from '../core/index.ts'
import { createShedder, type Permit, type Refusal, type Shedder } from './shedder.ts'
import type { Priority } from './shedder-options.ts'

function permitOf(admission: Permit | Refusal): Permit {
  if (!admission.isAdmitted) throw new Error('refused')
  return admission
}

function fill(shedder: Shedder, priority: Priority): Permit[] {
  const permits: Permit[] = []
  for (;;) {
    const admission = shedder.admit(priority)
    if (!admission.isAdmitted) return permits
    permits.push(admission)
  }
}

test('each class fills its share of the limit, counting those of the others', () => {
  const clock = createManualClock()
  const shedder = createShedder({ maxInFlight: 100, clock })
  expect(fill(shedder, 'background')).toHaveLength(20)
  expect(fill(shedder, 'normal')).toHaveLength(20)
  expect(shedder.admit('background').isAdmitted).toBe(false)
  expect(fill(shedder, 'critical')).toHaveLength(60)
  expect(shedder.stats()).toMatchObject({
    inFlight: 100,
    admitted: { critical: 60, normal: 20, background: 20 },
    refused: { critical: 1, normal: 1, background: 2 },
  })
})

test('a request is normal where nothing is said, and one is always admitted', () => {
  const shedder = createShedder({ maxInFlight: 1, clock: createManualClock() })
  const permit = permitOf(shedder.admit('background'))
  expect(shedder.admit().isAdmitted).toBe(false)
  permit.release()
  expect(shedder.admit().isAdmitted).toBe(true)
  expect(shedder.stats().admitted).toEqual({ critical: 0, normal: 1, background: 1 })
})

test('a class that nobody knows is normal, and is not counted by its name', () => {
  const shedder = createShedder({ maxInFlight: 10, clock: createManualClock() })
  expect(fill(shedder, 'urgent' as Priority)).toHaveLength(4)
  expect(shedder.stats().admitted).toEqual({ critical: 0, normal: 4, background: 0 })
})

test('a permit is given back once, however it is released', () => {
  const shedder = createShedder({ clock: createManualClock() })
  const permits = (['completed', 'failed', 'aborted'] as const).map((outcome) => {
    const permit = permitOf(shedder.admit())
    return { permit, outcome }
  })
  expect(shedder.stats().inFlight).toBe(3)
  for (const { permit, outcome } of permits) {
    permit.release(outcome)
    permit.release('completed')
    permit.release(outcome)
  }
  expect(shedder.stats()).toMatchObject({
    inFlight: 0,
    ended: { completed: 1, failed: 1, aborted: 1 },
  })
})

test('refused clients are told different times, none too early', () => {
  const clock = createManualClock()
  const shedder = createShedder({ maxInFlight: 1, retryAfterMs: 2_000, clock })
  shedder.admit()
  const times = Array.from({ length: 200 }, () => {
    const admission = shedder.admit()
    if (admission.isAdmitted) throw new Error('admitted')
    return admission.retryAfterMs
  })
  expect(Math.min(...times)).toBeGreaterThanOrEqual(2_000)
  expect(Math.max(...times)).toBeLessThan(6_000)
  expect(new Set(times.map((ms) => Math.ceil(ms / 1_000))).size).toBeGreaterThan(2)
})

test('where it is tight a class is let in bit by bit beyond half of its share, the critical one at once', () => {
  const clock = createManualClock()
  const shedder = createShedder({ targetLatencyMs: 10, clock })
  const early = fill(shedder, 'normal')
  expect(early).toHaveLength(40)
  clock.advance(40)
  for (const permit of early) permit.release()
  permitOf(shedder.admit())
  clock.advance(70)
  expect(shedder.stats()).toMatchObject({ limit: 50, latencyMs: 40, inFlight: 1 })

  expect(fill(shedder, 'normal')).toHaveLength(10)
  expect(fill(shedder, 'normal')).toHaveLength(0)
  clock.advance(10)
  expect(fill(shedder, 'normal').length).toBeOneOf([2, 3])
  const { inFlight } = shedder.stats()
  expect(fill(shedder, 'critical')).toHaveLength(50 - inFlight)
})

test('a burst is let in whole again when nothing was nearly full for a while', () => {
  const clock = createManualClock()
  const shedder = createShedder({ targetLatencyMs: 10, clock })
  const [, ...early] = fill(shedder, 'normal') // the first one stays
  clock.advance(40)
  for (const permit of early) permit.release()
  for (let window = 0; window < 3; window++) {
    const permit = permitOf(shedder.admit())
    clock.advance(5)
    permit.release()
    clock.advance(100)
  }
  expect(shedder.stats()).toMatchObject({ limit: 50, latencyMs: 5, inFlight: 1 })
  expect(fill(shedder, 'normal')).toHaveLength(19)
})

test('a refusal is heard of', () => {
  const heard: object[] = []
  const stop = listen('hotpath:limit:shed', (event) => void heard.push(event))
  const shedder = createShedder({ name: 'api', maxInFlight: 1, clock: createManualClock() })
  shedder.admit()
  shedder.admit('critical')
  stop()
  shedder.admit('critical')
  expect(heard).toEqual([{ shedder: 'api', priority: 'critical', inFlight: 1, limit: 1 }])
})

test('it is registered until it is closed, and then admits everything', async () => {
  const shedder = createShedder({ name: 'closing', maxInFlight: 1, clock: createManualClock() })
  const isRegistered = () => components().some(({ name }) => name === 'closing')
  expect(isRegistered()).toBe(true)
  shedder.admit()
  await shedder.close()
  expect(isRegistered()).toBe(false)
  expect(shedder.admit().isAdmitted).toBe(true)
})

test.each([
  { maxInFlight: 0 },
  { minInFlight: 9, maxInFlight: 8 },
  { targetDelayMs: 0 },
  { targetLatencyMs: -1 },
  { shares: { normal: 0 } },
  { shares: { critical: 1.5 } },
  { shares: { urgent: 1 } },
  { retryAfterMs: 0 },
  { name: '' },
  { limit: 5 },
])('%o is refused', (options) => {
  expect(() => createShedder(options)).toThrow(HotpathError)
})
