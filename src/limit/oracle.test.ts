import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLimiter } from './limiter.ts'
import { resolvePolicies, type Policy, type ResolvedPolicy } from './policy.ts'

const policy = fc
  .record({
    limit: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1_000_000_000 })),
    windowMs: fc.oneof(
      fc.integer({ min: 1, max: 5_000 }),
      fc.integer({ min: 1, max: 315_360_000_000 }),
    ),
    burst: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 1_000_000_000 })),
  })
  .filter(({ limit, windowMs }) => limit / windowMs <= 1_000)

// How long to wait, as a part of what a use takes; how many uses at once; which key.
const step = fc.record({
  wait: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 3, noNaN: true }), fc.constant(1_000)),
  cost: fc.oneof(fc.constant(1), fc.integer({ min: 0, max: 13 })),
  key: fc.constantFrom('a', 'b', 'c'),
})

test('any schedule is decided as by exact fractions', () => {
  fc.assert(
    fc.property(
      fc.array(policy, { minLength: 1, maxLength: 2 }),
      fc.array(step, { minLength: 1, maxLength: 60 }),
      agreesWithOracle,
    ),
    { numRuns: Number(process.env['HOTPATH_RUNS'] ?? 3_000) },
  )
}, 600_000)

function agreesWithOracle(
  given: readonly Policy[],
  steps: readonly { wait: number; cost: number; key: string }[],
): void {
  const policies = resolvePolicies(given.map((one, index) => ({ ...one, name: `${index}` })))
  const clock = microClock()
  const limiter = createLimiter(
    given.map((one, index) => ({ ...one, name: `${index}` })),
    { clock, maxKeys: 100 },
  )
  const oracle = new Oracle(policies)
  const [first] = policies
  const useMicros = ((first?.windowMs ?? 1) * 1_000) / (first?.limit ?? 1)
  for (const { wait, cost, key } of steps) {
    clock.micros = Math.min(clock.micros + Math.round(wait * useMicros), 10 ** 15)
    const decision = limiter.take(key, cost)
    expect(decision.isAllowed).toBe(oracle.take(key, cost, clock.micros))
    if (decision.isAllowed) expect(limiter.peek(key, 0)).toEqual(decision)
    if (decision.isAllowed || decision.retryAfterMs === Infinity) continue
    // Whoever waits as long as he was told is let through.
    const elsewhere = { micros: clock.micros }
    clock.micros += decision.retryAfterMs * 1_000
    expect(limiter.peek(key, cost).isAllowed).toBe(true)
    clock.micros = Math.max(elsewhere.micros, clock.micros)
  }
  void limiter.close()
}

/** A clock that counts whole microseconds, so that no reading is lost in a fraction. */
function microClock() {
  const clock = {
    micros: 1_000_000,
    // In the middle of a microsecond, so that no rounding of the fraction leaves it.
    monotonicMs: () => (clock.micros + 0.5) / 1_000,
    epochMs: () => 0,
    after: () => ({ cancel: () => {} }),
  }
  return clock
}

/**
 * The algorithm again, in exact fractions and without a thought for speed: what the limiter is
 * tested against. Times are whole numbers of 1/`limit` microseconds, in which a use takes as many
 * as the window has microseconds. It forgets nothing.
 */
class Oracle {
  readonly #policies: readonly ResolvedPolicy[]
  readonly #untils = new Map<string, bigint>()

  constructor(policies: readonly ResolvedPolicy[]) {
    this.#policies = policies
  }

  take(key: string, cost: number, nowMicros: number): boolean {
    const claims = this.#policies.map((policy) => {
      const use = BigInt(policy.windowMs) * 1_000n
      const now = timeOf(policy, nowMicros)
      const place = `${policy.name} ${key}`
      const until = this.#untils.get(place) ?? now
      const claimed = (until > now ? until : now) + BigInt(cost) * use
      return { place, claimed, isAllowed: claimed - now <= BigInt(policy.burst) * use }
    })
    if (!claims.every(({ isAllowed }) => isAllowed)) return false
    for (const { place, claimed } of claims) this.#untils.set(place, claimed)
    return true
  }
}

// Where a policy reads its clock no more exactly than to a tick, so does this.
function timeOf(policy: ResolvedPolicy, nowMicros: number): bigint {
  const micros = BigInt(nowMicros)
  const limit = BigInt(policy.limit)
  if (policy.readingsPerMicro === 1) return micros * limit
  const tick = BigInt(policy.windowMs) * 1_000n
  const ticks = (micros * limit * BigInt(policy.useTicks)) / tick
  return (ticks * tick) / BigInt(policy.useTicks)
}
