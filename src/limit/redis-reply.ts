import type { Decision } from './decision.ts'
import { admits, allowed, refused, waitMs } from './gcra.ts'
import type { ResolvedPolicy } from './policy.ts'
import type { TakeReply } from './redis-take.ts'

/** How long uses that were taken in advance may be spent. */
export const leaseMs = 500
/** The same in Redis, a little longer: it hears of them later. */
export const leaseInRedisMs: number = leaseMs + 100

/** How long a refusal holds while others have uses that they may give back. */
const askAgainMs = 10

/** What the policies say that Redis has asked. What is taken in advance counts as used. */
export function decisionFrom(
  policies: readonly ResolvedPolicy[],
  reply: TakeReply,
  cost: number,
): Decision {
  const { isAllowed, nowMicros, outstanding } = reply
  const decisions = policies.map((policy, index) => {
    const debtTicks = owedTo(policy, index, reply)
    return isAllowed || admits(policy, debtTicks, cost)
      ? allowed(policy, debtTicks, nowMicros)
      : refused(policy, debtTicks, cost, nowMicros)
  })
  const decisive = decisions.reduce((one, other) => {
    if (isAllowed) return other.remaining < one.remaining ? other : one
    return other.retryAfterMs > one.retryAfterMs ? other : one
  })
  if (isAllowed || outstanding === 0) return decisive
  // It may take as long for these to become a debt, which only then is paid off.
  return { ...decisive, retryAfterMs: decisive.retryAfterMs + leaseInRedisMs }
}

/** For how long a refusal is the answer to all who ask for as much. */
export function refusalHoldsMs(
  policies: readonly ResolvedPolicy[],
  reply: TakeReply,
  cost: number,
): number {
  const waits = policies.map((policy, index) => waitMs(policy, owedTo(policy, index, reply), cost))
  const longestMs = Math.max(...waits)
  // What others have taken in advance they may give back at any time.
  return reply.outstanding === 0 ? longestMs : Math.min(longestMs, askAgainMs)
}

function owedTo(policy: ResolvedPolicy, index: number, reply: TakeReply): number {
  return (reply.debts[index] ?? 0) + reply.outstanding * policy.useTicks
}
