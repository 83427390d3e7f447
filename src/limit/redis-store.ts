import { randomBytes } from 'node:crypto'
import { Circuit, type RedisLike, type Timer } from '../core/index.ts'
import type { Decision } from './decision.ts'
import { RedisKey } from './redis-key.ts'
import { RedisNodes } from './redis-nodes.ts'
import { OutageDecisions, type OutageRules } from './redis-outage.ts'
import { RedisQuestions } from './redis-questions.ts'
import { decisionFrom, leaseInRedisMs, leaseMs, refusalHoldsMs } from './redis-reply.ts'
import { takeScript, type TakeReply, type TakeRequest } from './redis-take.ts'

/** What a {@link RedisStore} works with. */
export interface RedisStoreParts extends OutageRules {
  readonly redis: RedisLike
  readonly name: string
  readonly timeoutMs: number
  readonly onTrouble: (operation: string, error: unknown) => void
}

/** Leases that nobody has spent from for so long are given back. */
const idleMs = 100
const probeTtlMs = 1_000
const maxKnownKeys = 16_384
const maxWaiting = 10_000

/**
 * Decides for all processes that share a Redis, by one script for each question. A key that is asked
 * about again and again takes uses in advance and spends them without asking; one that was refused is
 * refused without asking, until there can be another answer. While Redis does not answer, decisions
 * are made here.
 */
export class RedisStore {
  readonly #parts: RedisStoreParts
  readonly #node = randomBytes(9).toString('base64url')
  readonly #questions: RedisQuestions
  readonly #keyPrefix: string
  readonly #circuit: Circuit
  readonly #nodes: RedisNodes
  readonly #keys = new Map<string, RedisKey>()
  readonly #outage: OutageDecisions
  #sweeper: Timer | undefined
  #waiting = 0
  #isClosed = false
  #asked = 0
  #fromLease = 0
  #fromDenial = 0

  constructor(parts: RedisStoreParts) {
    this.#parts = parts
    // Encoded, so that no name and key together read like another name and key.
    this.#keyPrefix = `hotpath:limit:{${encodeURIComponent(parts.name)}:`
    const { redis, clock, timeoutMs, onTrouble } = parts
    this.#circuit = new Circuit({
      owner: 'the limiter',
      timeoutMs,
      clock,
      onTrouble,
      // A write: a replica answers whoever only reads.
      probe: async () =>
        void (await redis.set(`hotpath:limit:{${parts.name}}:probe`, '', { ttlMs: probeTtlMs })),
      isSettled: () => true,
    })
    const script = takeScript(parts.policies, leaseInRedisMs)
    this.#questions = new RedisQuestions(redis, this.#circuit, script, this.#node)
    this.#outage = new OutageDecisions(parts)
    this.#nodes = new RedisNodes({
      redis,
      circuit: this.#circuit,
      clock,
      key: `hotpath:limit:{${parts.name}}:nodes`,
      node: this.#node,
      onChange: (count) => this.#outage.shareWith(count),
    })
  }

  get stats(): RedisStoreStats {
    return {
      asked: this.#asked,
      fromLease: this.#fromLease,
      fromDenial: this.#fromDenial,
      withoutRedis: this.#outage.count,
      errors: this.#circuit.errors,
      isReachable: !this.#circuit.isOpen,
      nodes: this.#nodes.count,
    }
  }

  take(key: string, cost: number): Decision | Promise<Decision> {
    let known = this.#keys.get(key)
    if (known !== undefined) {
      const nowMs = this.#parts.clock.monotonicMs()
      const spent = known.spend(cost, nowMs)
      if (spent !== undefined) {
        this.#fromLease++
        return spent
      }
      const refusal = known.refusal(cost, nowMs)
      if (refusal !== undefined) {
        this.#fromDenial++
        return refusal
      }
    }
    if (this.#circuit.isOpen || this.#isClosed || this.#waiting >= maxWaiting) {
      return this.#outage.take(key, cost)
    }
    known ??= this.#know(key)
    return this.#wait(known, cost)
  }

  async peek(key: string, cost: number): Promise<Decision> {
    this.#asked++
    const request = { cost, need: 0, more: 0, spent: 0 }
    const reply = await this.#questions.peek(this.#redisKey(key), request)
    return reply === undefined
      ? this.#outage.peek(key, cost)
      : decisionFrom(this.#parts.policies, reply, cost)
  }

  async reset(key: string): Promise<void> {
    this.#keys.delete(key)
    this.#outage.reset(key)
    await this.#circuit.run('reset', () => this.#parts.redis.delete([this.#redisKey(key)]))
  }

  /** Gives back what was taken in advance. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#sweeper?.cancel()
    this.#nodes.close()
    await Promise.all([...this.#keys.values()].map((known) => this.#giveBack(known)))
    this.#keys.clear()
    this.#circuit.close()
  }

  #redisKey(key: string): string {
    return `${this.#keyPrefix}${key}}`
  }

  #know(key: string): RedisKey {
    if (this.#keys.size >= maxKnownKeys) this.#forgetOne()
    const known = new RedisKey(key)
    this.#keys.set(key, known)
    return known
  }

  // The oldest that has nothing to lose; where none of the first few is, there are more for a while.
  #forgetOne(): void {
    let looked = 0
    for (const [key, known] of this.#keys) {
      if (known.isIdle) {
        this.#keys.delete(key)
        return
      }
      this.#keys.delete(key)
      this.#keys.set(key, known)
      if (++looked === 8) return
    }
  }

  #wait(known: RedisKey, cost: number): Promise<Decision> {
    this.#waiting++
    return new Promise((resolve) => {
      known.waiting.push({ cost, resolve })
      if (!known.isAsking) void this.#serve(known)
    })
  }

  /** Asks until nobody waits any more: most often once. */
  async #serve(known: RedisKey): Promise<void> {
    known.isAsking = true
    for (;;) {
      const first = known.waiting.shift()
      if (first === undefined) break
      const sentMs = this.#parts.clock.monotonicMs()
      const more = known.more(sentMs)
      const need = known.waiting.reduce((sum, { cost }) => sum + cost, 0)
      const spent = known.takeSpent()
      const request = { cost: first.cost, need, more, spent }
      const reply = await this.#ask(known.key, request)
      if (reply === undefined) {
        known.untold(spent)
        this.#answer(first.resolve, this.#outage.take(known.key, first.cost))
      } else {
        const decision = decisionFrom(this.#parts.policies, reply, first.cost)
        this.#learn(known, reply, decision, first.cost, sentMs)
        this.#answer(first.resolve, decision)
      }
      this.#serveFromKnown(known)
    }
    known.isAsking = false
    if (!known.isIdle) this.#sweepLater()
  }

  // Those who came while Redis was asked.
  #serveFromKnown(known: RedisKey): void {
    const nowMs = this.#parts.clock.monotonicMs()
    known.waiting = known.waiting.filter(({ cost, resolve }) => {
      const decision = this.#circuit.isOpen
        ? this.#outage.take(known.key, cost)
        : (known.spend(cost, nowMs) ?? known.refusal(cost, nowMs))
      if (decision !== undefined) this.#answer(resolve, decision)
      return decision === undefined
    })
  }

  #answer(resolve: (decision: Decision) => void, decision: Decision): void {
    this.#waiting--
    resolve(decision)
  }

  #ask(key: string, request: TakeRequest): Promise<TakeReply | undefined> {
    this.#asked++
    return this.#questions.ask(this.#redisKey(key), request)
  }

  #learn(
    known: RedisKey,
    reply: TakeReply,
    decision: Decision,
    cost: number,
    sentMs: number,
  ): void {
    known.last = decision
    known.left = reply.granted
    // From before the question: Redis counts from later on, by whatever clock.
    known.leaseUntilMs = sentMs + leaseMs
    known.lastSpentMs = sentMs
    if (decision.isAllowed) {
      known.deniedCost = Infinity
      return
    }
    const nowMs = this.#parts.clock.monotonicMs()
    known.deniedCost = cost
    known.deniedUntilMs = nowMs + refusalHoldsMs(this.#parts.policies, reply, cost)
    known.retryAtMs = nowMs + decision.retryAfterMs
  }

  #sweepLater(): void {
    if (this.#sweeper !== undefined || this.#isClosed) return
    this.#sweeper = this.#parts.clock.after(idleMs, () => {
      this.#sweeper = undefined
      const nowMs = this.#parts.clock.monotonicMs()
      let isAnyLeft = false
      for (const known of this.#keys.values()) {
        if (known.isIdle || known.isAsking) continue
        if (nowMs - known.lastSpentMs < idleMs) isAnyLeft = true
        else void this.#giveBack(known)
      }
      if (isAnyLeft) this.#sweepLater()
    })
  }

  async #giveBack(known: RedisKey): Promise<void> {
    if (known.isAsking || known.isIdle) return
    const spent = known.takeSpent()
    // Nothing else is asked meanwhile: it would tell of the same lease.
    known.isAsking = true
    const request = { cost: 0, need: 0, more: 0, spent }
    const reply = await this.#ask(known.key, request)
    if (reply === undefined) known.untold(spent)
    await this.#serve(known)
  }
}

/** What has decided, and how Redis is. */
export interface RedisStoreStats {
  /** Questions that were sent to Redis. */
  readonly asked: number
  /** Decisions from uses that were taken in advance. */
  readonly fromLease: number
  /** Refusals that were known already. */
  readonly fromDenial: number
  /** Decisions that were made here, because Redis did not answer. */
  readonly withoutRedis: number
  readonly errors: number
  readonly isReachable: boolean
  /** Processes that keep the limit. */
  readonly nodes: number
}
