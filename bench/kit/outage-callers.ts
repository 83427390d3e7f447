import { setTimeout as pause } from 'node:timers/promises'
import type { OutageCache } from './bench.ts'
import type { Sample } from './figures.ts'
import { quantile } from './statistics.ts'

/** What the run tells the callers, in this order; `back` is when Redis answers again. */
export type OutageStep = 'begin' | 'broken' | 'back' | 'recover' | 'end'

/** The parts of a run that latencies are told apart by; those of the outage by its age. */
export const outagePhases = ['before', 'to200ms', 'to600ms', 'from600ms', 'after'] as const
type Phase = (typeof outagePhases)[number]

/** A warm key is in memory all along; a cold one has never been asked for before. */
export const outageKeys = ['warm', 'cold'] as const
type Keys = (typeof outageKeys)[number]

export const loaderMs = 2
export const callersOfEach = 10
/** Whoever waits longer is given up and counted as hung: some would wait for ever. */
export const giveUpMs = 500
/** How long Redis may be back before a cache that does not use it yet is given up. */
export const recoverWithinMs = 3_000

const warmKeys = 100
const pauseMs = 4
const probeEveryMs = 20

/** Runs in the contender's process: callers that call all the time, and what they saw. */
export class OutageCallers {
  readonly #cache: OutageCache
  readonly #latenciesMs = new Map<string, number[]>()
  #brokenAtMs = Infinity
  #backAtMs = Infinity
  #recoveryMs = Infinity
  #calls = 0
  #hung = 0
  #failed = 0
  #unhandled = 0
  #hasEnded = false

  constructor(cache: OutageCache) {
    this.#cache = cache
  }

  /** The process had a rejection or an exception that nobody handled. */
  countUnhandled(): void {
    this.#unhandled++
  }

  /** @returns a sample at the end */
  async take(step: OutageStep): Promise<Sample | undefined> {
    switch (step) {
      case 'begin':
        return this.#begin()
      case 'broken':
        this.#brokenAtMs = performance.now()
        return undefined
      case 'back':
        this.#backAtMs = performance.now()
        return undefined
      case 'recover':
        return this.#recover()
      case 'end':
        this.#hasEnded = true
        return this.#sample()
    }
  }

  async #begin(): Promise<undefined> {
    for (let key = 0; key < warmKeys; key++) await this.#call('warm', `warm:${key}`)
    this.#latenciesMs.clear()
    for (let caller = 0; caller < callersOfEach; caller++) {
      void this.#keepCalling('warm', () => `warm:${this.#calls % warmKeys}`)
      void this.#keepCalling('cold', () => `cold:${this.#calls}`)
    }
  }

  async #keepCalling(keys: Keys, nextKey: () => string): Promise<void> {
    while (!this.#hasEnded) {
      this.#calls++
      await this.#call(keys, nextKey())
      await pause(pauseMs)
    }
  }

  async #call(keys: Keys, key: string): Promise<void> {
    const startMs = performance.now()
    const load = () => pause(loaderMs, key)
    const answer = within(giveUpMs, () => this.#cache.getOrSet(key, load))
    const outcome = await answer.then(
      (value) => (value === key ? 'answered' : value === hung ? 'hung' : 'failed'),
      () => 'failed',
    )
    if (this.#hasEnded) return
    if (outcome === 'hung') this.#hung++
    if (outcome === 'failed') this.#failed++
    const endMs = performance.now()
    const phase = `${keys}.${this.#phaseOf(startMs, endMs)}`
    const latenciesMs = this.#latenciesMs.get(phase)
    if (latenciesMs === undefined) this.#latenciesMs.set(phase, [endMs - startMs])
    else latenciesMs.push(endMs - startMs)
  }

  // A call that the outage found under way belongs to it, and so does one that it outlived.
  #phaseOf(startMs: number, endMs: number): Phase {
    if (endMs < this.#brokenAtMs) return 'before'
    if (startMs >= this.#backAtMs) return 'after'
    const ageMs = startMs - this.#brokenAtMs
    if (ageMs < 200) return 'to200ms'
    return ageMs < 600 ? 'to600ms' : 'from600ms'
  }

  /** Until a value that was written from now on is read back through Redis. */
  async #recover(): Promise<undefined> {
    const startMs = performance.now()
    const underWay = new Set<Promise<void>>()
    const isOver = () => performance.now() - startMs > recoverWithinMs
    for (let probe = 0; this.#recoveryMs === Infinity && !isOver(); probe++) {
      const attempt = this.#probe(`probe:${probe}`)
      underWay.add(attempt)
      void attempt.finally(() => underWay.delete(attempt))
      await pause(probeEveryMs)
    }
  }

  async #probe(key: string): Promise<void> {
    const value = await within(giveUpMs, async () => {
      await this.#cache.write(key, key)
      return this.#cache.read(key)
    }).catch(() => undefined)
    if (value !== key) return
    this.#recoveryMs = Math.min(this.#recoveryMs, performance.now() - this.#backAtMs)
  }

  #sample(): Sample {
    const sample: Record<string, number> = {}
    for (const keys of outageKeys) {
      for (const phase of outagePhases) {
        const sorted = Float64Array.from(this.#latenciesMs.get(`${keys}.${phase}`) ?? []).sort()
        const at = (share: number) => (sorted.length === 0 ? Number.NaN : quantile(sorted, share))
        sample[`${keys}.${phase}.p50Ms`] = at(0.5)
        sample[`${keys}.${phase}.p99Ms`] = at(0.99)
        sample[`${keys}.${phase}.worstMs`] = at(1)
      }
    }
    return {
      ...sample,
      hung: this.#hung,
      failed: this.#failed,
      unhandled: this.#unhandled,
      recoveryMs: this.#recoveryMs,
    }
  }
}

const hung = Symbol('hung')

async function within<T>(limitMs: number, call: () => Promise<T>): Promise<T | typeof hung> {
  const giveUp = new AbortController()
  const called = call()
  try {
    return await Promise.race([called, pause(limitMs, hung, { signal: giveUp.signal })])
  } finally {
    giveUp.abort()
  }
}
