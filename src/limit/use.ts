import { eventChannel, HotpathError } from '../core/index.ts'
import type { Decision } from './decision.ts'

const decisions = eventChannel('hotpath:limit:decision')

/** @throws HotpathError HOTPATH_LIMIT_USE_INVALID */
export function checkUse(key: string, cost: number): void {
  if (typeof key !== 'string') {
    throw new HotpathError(
      'HOTPATH_LIMIT_USE_INVALID',
      `a limiter's key must be a string, not ${typeof key}: nothing was charged; look at the ` +
        'function that makes the key',
    )
  }
  if (!Number.isSafeInteger(cost) || cost < 0) {
    throw new HotpathError(
      'HOTPATH_LIMIT_USE_INVALID',
      `a use must cost a whole number of at least 0, not ${cost}: nothing was charged`,
    )
  }
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
    const { isAllowed, policy } = decision
    if (isAllowed) this.allowed++
    else this.denied++
    if (decisions.hasSubscribers) {
      decisions.publish({ limiter: this.#limiter, key, cost, isAllowed, policy })
    }
    return decision
  }
}
