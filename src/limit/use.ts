import { eventChannel, HotpathError } from '../core/index.ts'
import type { Decision } from './decision.ts'

const decisions = eventChannel('hotpath:limit:decision')

/** @throws HotpathError HOTPATH_LIMIT_USE_INVALID */
export function checkUse(key: string, cost: number): void {
  if (typeof key !== 'string' || !Number.isSafeInteger(cost) || cost < 0) refuseUse(key, cost)
}

// Apart, as is all that is rare: V8 inlines what is asked for each use only while it is small.
function refuseUse(key: unknown, cost: number): never {
  throw new HotpathError(
    'HOTPATH_LIMIT_USE_INVALID',
    typeof key === 'string'
      ? `a use must cost a whole number of at least 0, not ${cost}: nothing was charged`
      : `a limiter's key must be a string, not ${typeof key}: nothing was charged; look at the ` +
          'function that makes the key',
  )
}

/** How many uses were let through, and who hears of each. */
export class UseCounts {
  allowed = 0
  denied = 0
  readonly #limiter: string

  constructor(limiter: string) {
    this.#limiter = limiter
  }

  count(key: string, cost: number, decision: Decision): Decision {
    if (decision.isAllowed) this.allowed++
    else this.denied++
    if (decisions.hasSubscribers) this.#publish(key, cost, decision)
    return decision
  }

  #publish(key: string, cost: number, { isAllowed, policy }: Decision): void {
    decisions.publish({ limiter: this.#limiter, key, cost, isAllowed, policy })
  }
}
