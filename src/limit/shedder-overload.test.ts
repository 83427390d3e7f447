import { expect, test } from 'vitest'
import type { Clock } from '../core/index.ts'
import { createShedder, type Shedder } from './shedder.ts'
import type { Priority } from './shedder-options.ts'

/**
 * An event loop with a time of its own: what is due runs in the order in which it is due, and what
 * works on the CPU moves the time on, so that everything behind it is late.
 */
class SimulatedLoop implements Clock {
  #nowMs = 0
  readonly #due: { atMs: number; run: () => void }[] = []

  monotonicMs(): number {
    return this.#nowMs
  }

  epochMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, run: () => void) {
    const entry = { atMs: this.#nowMs + delayMs, run }
    const at = this.#due.findLastIndex(({ atMs }) => atMs <= entry.atMs)
    this.#due.splice(at + 1, 0, entry)
    return { cancel: () => void (entry.run = () => {}) }
  }

  work(forMs: number): void {
    this.#nowMs += forMs
  }

  runUntil(endMs: number): void {
    for (;;) {
      const next = this.#due[0]
      if (next === undefined || next.atMs > endMs) break
      this.#due.shift()
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.run()
    }
    this.#nowMs = Math.max(this.#nowMs, endMs)
  }
}

interface Load {
  readonly perSecond: number
  readonly durationMs: number
  readonly priorityOf?: (random: number) => Priority
}

/** What came of the requests that were due in the second half of a load. */
interface Outcome {
  readonly goodPerSecond: number
  readonly p99Ms: number
  servedRatio(priority: Priority): number
}

const cpuMs = 1
const waitMs = 10
const refusalMs = 0.03

/** A service of requests that wait and then work; arrivals at random, the same in each run. */
class SimulatedService {
  readonly loop = new SimulatedLoop()
  readonly random = mulberry32(4_711)
  /** What becomes of a request that was admitted. */
  work = (done: () => void): void => {
    this.loop.after(waitMs, () => {
      this.loop.work(cpuMs)
      done()
    })
  }

  run(shedder: Shedder, { perSecond, durationMs, priorityOf }: Load): Outcome {
    const startMs = this.loop.monotonicMs()
    const latenciesMs: number[] = []
    const due: Record<Priority, number> = { critical: 0, normal: 0, background: 0 }
    const served: Record<Priority, number> = { critical: 0, normal: 0, background: 0 }
    const arriveAt = (atMs: number): void => {
      if (atMs >= durationMs) return
      const priority = priorityOf?.(this.random()) ?? 'normal'
      const isMeasured = atMs >= durationMs / 2
      if (isMeasured) due[priority]++
      this.loop.after(startMs + atMs - this.loop.monotonicMs(), () => {
        arriveAt(atMs + this.#gapMs(perSecond))
        const admission = shedder.admit(priority)
        if (!admission.isAdmitted) return this.loop.work(refusalMs)
        this.work(() => {
          admission.release()
          if (!isMeasured) return
          served[priority]++
          latenciesMs.push(this.loop.monotonicMs() - startMs - atMs)
        })
      })
    }
    arriveAt(0)
    this.loop.runUntil(startMs + durationMs)
    // Those that were let in last.
    this.loop.runUntil(startMs + durationMs + 1_000)
    latenciesMs.sort((a, b) => a - b)
    return {
      goodPerSecond: (latenciesMs.length * 2_000) / durationMs,
      p99Ms: latenciesMs[Math.floor(latenciesMs.length * 0.99)] ?? 0,
      servedRatio: (priority) => served[priority] / due[priority],
    }
  }

  #gapMs(perSecond: number): number {
    return (-Math.log(1 - this.random()) * 1_000) / perSecond
  }
}

function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const oneInTenCritical = (random: number): Priority => (random < 0.1 ? 'critical' : 'normal')

test('a process that is not busy refuses nobody', () => {
  const service = new SimulatedService()
  const shedder = createShedder({ clock: service.loop })
  const { servedRatio, p99Ms } = service.run(shedder, { perSecond: 400, durationMs: 5_000 })
  expect(servedRatio('normal')).toBe(1)
  expect(p99Ms).toBeLessThan(20)
})

test('at five times what it can serve, it serves that in time, and the critical ones all', () => {
  const service = new SimulatedService()
  const shedder = createShedder({ clock: service.loop })
  const load = { perSecond: 5_000, durationMs: 5_000, priorityOf: oneInTenCritical }
  const { goodPerSecond, p99Ms, servedRatio } = service.run(shedder, load)
  // 1,000 a second less what refusing the others costs.
  expect(goodPerSecond).toBeGreaterThan(0.92 * (1_000 - 4_000 * refusalMs))
  expect(p99Ms).toBeLessThan(30)
  expect(servedRatio('critical')).toBeGreaterThan(0.99)
  expect(shedder.stats().inFlight).toBe(0)
})

test('the lower class is refused first', () => {
  const service = new SimulatedService()
  const shedder = createShedder({ clock: service.loop })
  const priorityOf = (random: number): Priority =>
    random < 0.2 ? 'critical' : random < 0.6 ? 'normal' : 'background'
  const { servedRatio } = service.run(shedder, { perSecond: 1_800, durationMs: 5_000, priorityOf })
  expect(servedRatio('critical')).toBeGreaterThan(0.99)
  expect(servedRatio('normal')).toBeGreaterThan(2 * servedRatio('background'))
  expect(servedRatio('normal')).toBeLessThan(0.95)
})

test('after the overload it refuses nobody, as before', () => {
  const service = new SimulatedService()
  const shedder = createShedder({ clock: service.loop })
  service.run(shedder, { perSecond: 5_000, durationMs: 3_000 })
  const { servedRatio } = service.run(shedder, { perSecond: 500, durationMs: 4_000 })
  expect(servedRatio('normal')).toBeGreaterThan(0.999)
})

test('a process that waits only is let grow to what it can have under way', () => {
  const service = new SimulatedService()
  service.work = (done) => void service.loop.after(100, done)
  const shedder = createShedder({ clock: service.loop })
  const { servedRatio } = service.run(shedder, { perSecond: 4_000, durationMs: 8_000 })
  expect(servedRatio('normal')).toBe(1)
  expect(shedder.stats().limit).toBeGreaterThan(800)
})

test('a service behind it that is slower the more it is asked shows in the latency alone', () => {
  const service = new SimulatedService()
  // One of its requests after the other takes 2 ms, as with a lock in a database.
  let freeMs = 0
  service.work = (done) => {
    const nowMs = service.loop.monotonicMs()
    freeMs = Math.max(freeMs, nowMs) + 2
    service.loop.after(waitMs + freeMs - nowMs, done)
  }
  const shedder = createShedder({ clock: service.loop })
  service.run(shedder, { perSecond: 100, durationMs: 2_000 })
  const { goodPerSecond, p99Ms } = service.run(shedder, { perSecond: 2_500, durationMs: 8_000 })
  expect(goodPerSecond).toBeGreaterThan(475)
  expect(p99Ms).toBeLessThan(60)
})

test('requests that become slow by themselves are not refused for it', () => {
  const service = new SimulatedService()
  let latencyMs = 20
  service.work = (done) => void service.loop.after(latencyMs, done)
  const shedder = createShedder({ clock: service.loop })
  service.run(shedder, { perSecond: 500, durationMs: 3_000 })
  latencyMs = 200
  const { servedRatio } = service.run(shedder, { perSecond: 500, durationMs: 8_000 })
  expect(servedRatio('normal')).toBe(1)
})

test('one pause of the process is no overload', () => {
  const service = new SimulatedService()
  const shedder = createShedder({ clock: service.loop })
  const load = { perSecond: 300, durationMs: 4_000 }
  service.run(shedder, load)
  service.loop.after(3_000, () => service.loop.work(60))
  expect(service.run(shedder, load).servedRatio('normal')).toBe(1)
})
