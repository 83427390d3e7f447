import type { Clock } from '../core/index.ts'
import type { Decision } from './decision.ts'
import type { ResolvedPolicy } from './policy.ts'

// The generic cell rate algorithm (ITU-T I.371), as a debt: each use adds to it, time pays it off at
// the rate of the policy, and a use that would raise it above the policy's capacity is refused. All
// numbers are whole ticks of the policy; see ResolvedPolicy.

/** The time that policies read. */
export function microsOf(clock: Clock): number {
  return Math.floor(clock.monotonicMs() * 1_000)
}

/** What the clock of a policy shows at a time; never goes back while the time does not. */
export function readingAt(policy: ResolvedPolicy, nowMicros: number): number {
  const { readingsPerMicro } = policy
  return readingsPerMicro === 1 ? nowMicros : Math.floor(nowMicros * readingsPerMicro)
}

/** What is left of a debt when the clock has moved on by so many readings. */
export function debtAfter(policy: ResolvedPolicy, debtTicks: number, readings: number): number {
  const left = debtTicks - readings * policy.ticksPerReading
  return left > 0 ? left : 0
}

/** True where a use of this cost may be added to the debt. */
export function admits(policy: ResolvedPolicy, debtTicks: number, cost: number): boolean {
  return debtTicks + cost * policy.useTicks <= policy.capacityTicks
}

/** The decision on an allowed use, which has been added to the debt already. */
export function allowed(policy: ResolvedPolicy, debtTicks: number, nowMicros: number): Decision {
  const { name, burst, useTicks, capacityTicks } = policy
  return {
    isAllowed: true,
    policy: name,
    limit: burst,
    remaining: Math.floor((capacityTicks - debtTicks) / useTicks),
    retryAfterMs: 0,
    resetMs: msUntilPaid(policy, debtTicks, nowMicros),
  }
}

/** The decision on a refused use, which has not been added to the debt. */
export function refused(
  policy: ResolvedPolicy,
  debtTicks: number,
  cost: number,
  nowMicros: number,
): Decision {
  const { name, burst, useTicks, capacityTicks } = policy
  const missingTicks = debtTicks + cost * useTicks - capacityTicks
  return {
    isAllowed: false,
    policy: name,
    limit: burst,
    remaining: Math.floor((capacityTicks - debtTicks) / useTicks),
    retryAfterMs: cost > burst ? Infinity : msUntilPaid(policy, missingTicks, nowMicros),
    resetMs: msUntilPaid(policy, debtTicks, nowMicros),
  }
}

/** In how many milliseconds a use of this cost will be admitted; a fraction, and 0 where it is. */
export function waitMs(policy: ResolvedPolicy, debtTicks: number, cost: number): number {
  const { useTicks, capacityTicks, readingsPerMicro, ticksPerReading, burst } = policy
  const missingTicks = debtTicks + cost * useTicks - capacityTicks
  if (missingTicks <= 0) return 0
  return cost > burst ? Infinity : missingTicks / (ticksPerReading * readingsPerMicro * 1_000)
}

/** In how many milliseconds so many ticks will have been paid off; rounded up. */
function msUntilPaid(policy: ResolvedPolicy, ticks: number, nowMicros: number): number {
  // One division: numbers below 2^53 whose quotient is no whole number are never so near to one that
  // rounding would reach it.
  return policy.readingsPerMicro === 1
    ? Math.ceil(ticks / (policy.ticksPerReading * 1_000))
    : msUntilRead(policy, ticks, nowMicros)
}

// The reading is a floor: it changes where the time reaches a whole one. A microsecond more, for what
// the division has lost.
function msUntilRead(policy: ResolvedPolicy, ticks: number, nowMicros: number): number {
  if (ticks <= 0) return 0
  const { readingsPerMicro, ticksPerReading } = policy
  const readings = Math.ceil(ticks / ticksPerReading)
  const dueMicros = (readingAt(policy, nowMicros) + readings) / readingsPerMicro + 1
  return Math.ceil((dueMicros - nowMicros) / 1_000)
}
