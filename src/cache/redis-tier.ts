import { Circuit, type Clock, type RedisLike } from '../core/index.ts'
import { BackgroundWrites } from './background-writes.ts'
import { Bus, type ForeignListener } from './bus.ts'
import { Leases, type Lease } from './leases.ts'
import type { Fresh } from './memory-tier.ts'
import type { Serializer } from './options.ts'
import { RedisDebts } from './redis-debts.ts'
import { RedisLoads, type Claim, type ClaimOptions, type RedisGap } from './redis-loads.ts'
import { RedisRecords } from './redis-records.ts'
import { RedisTags } from './redis-tags.ts'
import { RedisWrites } from './redis-writes.ts'
import type { RedisStats } from './stats.ts'

export type { ForeignListener } from './bus.ts'
export type { Lease } from './leases.ts'
export type { Claim, RedisGap } from './redis-loads.ts'

/** How a {@link RedisTier} stores. */
export interface RedisTierOptions {
  redis: RedisLike
  namespace: string
  timeoutMs: number
  leaseMs?: number | false
  busLostMs?: number
  bus?: boolean
  serializer?: Serializer
  compressMinBytes?: number | false
  clock: Clock
  /** Hears of every failure. */
  onTrouble: (operation: string, error: unknown) => void
  /** Hears what other processes wrote and invalidated; without it nobody listens to the bus. */
  foreign?: ForeignListener | undefined
}

/** What Redis knew of a key. */
export interface RedisAnswer {
  /** The value, perhaps one that is stale by now; `undefined` where there is none to believe. */
  readonly found: Fresh | undefined
  /** What a load that begins now must present to have its value stored. */
  readonly gap: RedisGap
}

const maxLoadMs = 300_000

/**
 * Values that processes share. Every value says which versions its tags had when its load began,
 * and every key has an identity that changes with each write: a value that was overtaken by an
 * invalidation or a write, in whatever process, is neither stored nor believed.
 */
export class RedisTier {
  #hits = 0
  #misses = 0
  readonly #bus: Bus | undefined
  readonly #debts: RedisDebts
  readonly #circuit: Circuit
  readonly #background: BackgroundWrites
  readonly #records: RedisRecords
  readonly #leases: Leases | undefined
  readonly #loads: RedisLoads
  readonly #writes: RedisWrites

  constructor(options: RedisTierOptions) {
    const { redis, namespace, timeoutMs, clock, onTrouble, foreign } = options
    const { leaseMs = 5_000, busLostMs: lostMs = 1_000 } = options
    const { serializer = 'clone', compressMinBytes = false } = options
    const parts = { redis, namespace, clock, onTrouble, serializer, compressMinBytes }
    const channel = `${namespace}:bus`
    const hearing = foreign && this.#hearing(foreign)
    const bus =
      options.bus === false ? undefined : new Bus({ ...parts, channel, lostMs, foreign: hearing })
    const debts = new RedisDebts(redis, bus)
    const probe = () =>
      debts.size > 0 ? debts.payAll() : redis.get(`${namespace}:probe`).then(() => {})
    const isSettled = () => debts.size === 0
    const circuit = new Circuit({
      owner: 'the cache',
      timeoutMs,
      clock,
      onTrouble,
      probe,
      isSettled,
    })
    const background = new BackgroundWrites(circuit)
    const tags = new RedisTags({ ...parts, bus, background })
    const records = new RedisRecords({ ...parts, tags, debts })
    const leases =
      leaseMs === false ? undefined : new Leases({ ...parts, leaseMs, maxMs: maxLoadMs })
    const tools = { ...parts, circuit, background, bus, debts, tags, records, leases }
    this.#loads = new RedisLoads({ ...tools, maxLoadMs })
    this.#writes = new RedisWrites({ ...tools, markTtlMs: 2 * maxLoadMs })
    this.#bus = bus
    this.#debts = debts
    this.#circuit = circuit
    this.#background = background
    this.#records = records
    this.#leases = leases
  }

  get stats(): RedisStats {
    return {
      hits: this.#hits,
      misses: this.#misses,
      writes: this.#loads.writes + this.#writes.writes,
      droppedWrites: this.#background.dropped + this.#loads.overtaken,
      errors: this.#circuit.errors,
      circuit: this.#circuit.isOpen ? 'open' : 'closed',
      owed: this.#debts.size,
    }
  }

  /** Memory may be believed: the bus was heard less than `busLostMs` ago, or there is no bus. */
  get isHeard(): boolean {
    return this.#bus === undefined || this.#bus.isHeard
  }

  /** `undefined` when Redis could not be asked. */
  async read(key: string, tags: readonly string[]): Promise<RedisAnswer | undefined> {
    if (this.#circuit.isOpen || this.#records.isOwed(key, tags)) return undefined
    const record = await this.#circuit.run('read', () => this.#records.read(key, tags))
    if (record === undefined) return undefined
    const found = await this.#records.open(record.found)
    this.#count(found)
    return { found, gap: this.#loads.gap(record, tags) }
  }

  /** The values of several keys, in one round trip; `undefined` when Redis could not be asked. */
  async readMany(keys: readonly string[]): Promise<(Fresh | undefined)[] | undefined> {
    const findings = await this.#circuit.run('read', () => this.#records.readMany(keys))
    if (findings === undefined) return undefined
    const found = await Promise.all(findings.map((finding) => this.#records.open(finding)))
    for (const fresh of found) this.#count(fresh)
    return found
  }

  /**
   * Asks for the right to load a key. Where another process has it, waits for its value, for its
   * lease to run out or for the signal, whichever is first; with `isRefresh` it does not wait but
   * says `busy`. Trouble with Redis gives the right, without a lease.
   *
   * @throws the signal's reason
   */
  claim(key: string, gap: RedisGap, options: ClaimOptions): Promise<Claim> {
    return this.#loads.claim(key, gap, options)
  }

  /**
   * Stores the value of a load, in the background, unless it was overtaken.
   *
   * @throws HotpathError HOTPATH_CACHE_VALUE_INVALID
   */
  fill(key: string, fresh: Fresh, gap: RedisGap, lease?: Lease): void {
    this.#loads.fill(key, fresh, gap, lease)
  }

  /** @throws HotpathError HOTPATH_CACHE_VALUE_INVALID, before anything is written */
  set(key: string, fresh: Fresh): Promise<void> {
    return this.setMany([[key, fresh]])
  }

  /**
   * As {@link RedisTier.set}, and in the same time.
   *
   * @throws HotpathError HOTPATH_CACHE_VALUE_INVALID, before anything is written
   */
  setMany(entries: readonly (readonly [key: string, fresh: Fresh])[]): Promise<void> {
    const written = this.#writes.set(entries)
    this.#leases?.outdateKeys(entries.map(([key]) => key))
    return written
  }

  delete(key: string): Promise<void> {
    const deleted = this.#writes.delete(key)
    this.#leases?.outdateKeys([key])
    return deleted
  }

  invalidate(tags: readonly string[]): Promise<void> {
    const invalidated = this.#writes.invalidate(tags)
    this.#leases?.outdateTags(tags)
    return invalidated
  }

  /** Makes the values of the tags stale, not missing. */
  expire(tags: readonly string[]): Promise<void> {
    const expired = this.#writes.expire(tags)
    this.#leases?.outdateTags(tags)
    return expired
  }

  async close(): Promise<void> {
    this.#leases?.close()
    await this.#background.settled()
    this.#circuit.close()
    this.#bus?.close()
  }

  /** What others write concerns the loads of this process, too. */
  #hearing(foreign: ForeignListener): ForeignListener {
    return {
      written: (keys) => {
        foreign.written(keys)
        this.#leases?.outdateKeys(keys)
      },
      invalidated: (tags) => {
        foreign.invalidated(tags)
        this.#leases?.outdateTags(tags)
      },
      expired: (tags) => {
        foreign.expired(tags)
        this.#leases?.outdateTags(tags)
      },
      flush: () => foreign.flush(),
    }
  }

  #count(found: Fresh | undefined): void {
    if (found === undefined) this.#misses++
    else this.#hits++
  }
}
