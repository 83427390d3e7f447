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
  readonly #nodes: { readonly count: number }
  #local: { readonly store: MemoryStore; readonly parts: number } | undefined

  /** @param nodes - the processes that keep the limit, by the number that was known last */
  constructor(rules: OutageRules, nodes: { readonly count: number }) {
    this.#rules = rules
    this.#nodes = nodes
  }

  take(key: string, cost: number): Decision {
    this.count++
    const { onStoreError, policies } = this.#rules
    if (onStoreError === 'local') return this.#localStore().take(key, cost)
    const [policy] = policies as readonly [ResolvedPolicy]
    const whole = { policy: policy.name, limit: policy.burst, resetMs: 0 }
    if (onStoreError === 'allow') {
      return { ...whole, isAllowed: true, remaining: policy.burst, retryAfterMs: 0 }
    }
    return { ...whole, isAllowed: false, remaining: 0, retryAfterMs: 1_000 }
  }

  peek(key: string, cost: number): Decision {
    return this.#rules.onStoreError === 'local'
      ? this.#localStore().peek(key, cost)
      : this.take(key, cost)
  }

  reset(key: string): void {
    this.#local?.store.reset(key)
  }

  // Each process keeps its part of the limit.
  #localStore(): MemoryStore {
    const parts = this.#nodes.count
    if (this.#local?.parts !== parts) {
      const { policies, maxKeys, clock } = this.#rules
      const divided = policies.map((policy) => dividedPolicy(policy, parts))
      this.#local = { parts, store: new MemoryStore(divided, { maxKeys, clock }) }
    }
    return this.#local.store
  }
}
