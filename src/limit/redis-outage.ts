import type { Clock } from '../core/index.ts'
import type { Decision } from './decision.ts'
import { MemoryStore } from './memory-store.ts'
import { dividedPolicy, type ResolvedPolicy } from './policy.ts'

/** What {@link OutageDecisions} are made from. */
export interface OutageRules {
  readonly policies: readonly ResolvedPolicy[]
  readonly clock: Clock
  readonly maxKeys: number
  readonly onStoreError: 'local' | 'allow' | 'deny'
}

/** What is decided while Redis does not answer. */
export class OutageDecisions {
  /** How many. */
  count = 0
  readonly #rules: OutageRules
  #local: MemoryStore | undefined

  constructor(rules: OutageRules) {
    this.#rules = rules
    this.shareWith(1)
  }

  /**
   * How many processes keep the limit: each keeps its part of it. The memory for that is taken now; when
   * Redis is away somebody waits, and it may set off a garbage collection of several milliseconds.
   */
  shareWith(nodes: number): void {
    const { policies, maxKeys, clock, onStoreError } = this.#rules
    if (onStoreError !== 'local') return
    const divided = policies.map((policy) => dividedPolicy(policy, nodes))
    this.#local = new MemoryStore(divided, { maxKeys, clock })
  }

  take(key: string, cost: number): Decision {
    this.count++
    if (this.#local !== undefined) return this.#local.take(key, cost)
    const { onStoreError, policies } = this.#rules
    const [policy] = policies as readonly [ResolvedPolicy]
    const whole = { policy: policy.name, limit: policy.burst, resetMs: 0 }
    if (onStoreError === 'allow') {
      return { ...whole, isAllowed: true, remaining: policy.burst, retryAfterMs: 0 }
    }
    return { ...whole, isAllowed: false, remaining: 0, retryAfterMs: 1_000 }
  }

  peek(key: string, cost: number): Decision {
    return this.#local === undefined ? this.take(key, cost) : this.#local.peek(key, cost)
  }

  reset(key: string): void {
    this.#local?.reset(key)
  }
}
