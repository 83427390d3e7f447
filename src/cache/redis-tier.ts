import type { Clock, RedisLike } from '../core/index.ts'
import { BackgroundWrites } from './background-writes.ts'
import { Circuit } from './circuit.ts'
import {
  decodeEnvelope,
  encodeEnvelope,
  encodeTombstone,
  identityBytes,
  newTagVersion,
  type Envelope,
  type VersionedTag,
} from './envelope.ts'
import { fillScript } from './fill-script.ts'
import type { Fresh } from './memory-tier.ts'
import { RedisDebts, type RedisDebt } from './redis-debts.ts'
import { everyTag, RedisTags, type TagVersions } from './redis-tags.ts'
import type { RedisStats } from './stats.ts'
import { decodeValue, encodeValue, type EncodedValue } from './value-codec.ts'

/** How a {@link RedisTier} stores. */
export interface RedisTierOptions {
  redis: RedisLike
  namespace: string
  timeoutMs: number
  leaseMs?: number | false
  busLostMs?: number
  bus?: boolean
  serializer?: 'clone' | 'json'
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

/**
 * The outcome of {@link RedisTier.claim}: load, on behalf of all processes where there is a lease;
 * take what another process has loaded meanwhile; or leave it to the one that is loading.
 */
export type Claim =
  | { readonly kind: 'load'; readonly gap: RedisGap; readonly lease: Lease | undefined }
  | { readonly kind: 'found'; readonly found: Fresh }
  | { readonly kind: 'busy' }

/** The right to load a key while other processes wait. It is kept up until it ends. */
export interface Lease {
  /** Nothing was stored: who waits need not go on waiting. Does nothing after `fill` took it. */
  end(): void
}

/** What other processes did, as the bus tells it. */
export interface ForeignListener {
  written(keys: readonly string[]): void
  invalidated(tags: readonly string[]): void
  /** Made stale, not missing: {@link Cache.expireTags}. */
  expired(tags: readonly string[]): void
  /** Something may have been missed: nothing in memory is to be believed. */
  flush(): void
}

/** What a load must present to have its value stored: the state of things when it began. */
export interface RedisGap {
  readonly identity: Buffer
  readonly tags: readonly VersionedTag[]
  /** The version of {@link everyTag}. */
  readonly epoch: string | undefined
  readonly sinceMs: number
  readonly sinceEpochMs: number
}

/** Loads that take longer are not stored: what tells that they were overtaken has expired. */
const maxLoadMs = 300_000
const writeMarkTtlMs = 2 * maxLoadMs

/**
 * Values that processes share. Every value says which versions its tags had when its load began,
 * and every key has an identity that changes with each write: a value that was overtaken by an
 * invalidation or a write, in whatever process, is neither stored nor believed.
 */
export class RedisTier {
  #hits = 0
  #misses = 0
  #writes = 0
  #overtaken = 0
  readonly #options: RedisTierOptions
  readonly #redis: RedisLike
  readonly #clock: Clock
  readonly #circuit: Circuit
  readonly #debts: RedisDebts
  readonly #background: BackgroundWrites
  readonly #tags: RedisTags

  constructor(options: RedisTierOptions) {
    const { redis, namespace, timeoutMs, clock, onTrouble } = options
    this.#options = options
    this.#redis = redis
    this.#clock = clock
    this.#debts = new RedisDebts(redis)
    this.#circuit = new Circuit({ timeoutMs, clock, onTrouble, probe: () => this.#probe() })
    this.#background = new BackgroundWrites(this.#circuit)
    this.#tags = new RedisTags(redis, namespace, (send) => this.#background.send('tag', send))
  }

  get stats(): RedisStats {
    return {
      hits: this.#hits,
      misses: this.#misses,
      writes: this.#writes,
      droppedWrites: this.#background.dropped + this.#overtaken,
      errors: this.#circuit.errors,
      circuit: this.#circuit.isOpen ? 'open' : 'closed',
      owed: this.#debts.size,
    }
  }

  /** `undefined` when Redis could not be asked. */
  async read(key: string, tags: readonly string[]): Promise<RedisAnswer | undefined> {
    const valueKey = this.#valueKey(key)
    if (this.#circuit.isOpen || this.#owes(valueKey, tags)) return undefined
    const sinceMs = this.#clock.monotonicMs()
    const sinceEpochMs = this.#clock.epochMs()
    const record = await this.#circuit.run('read', () => this.#readRecord(valueKey, tags))
    if (record === undefined) return undefined

    const { identity, versions, fresh: found } = record
    if (found === undefined) this.#misses++
    else this.#hits++
    const [epoch, ...versioned] = this.#tags.versioned([everyTag, ...tags], versions)
    const gap = { identity, tags: versioned, epoch: epoch?.version, sinceMs, sinceEpochMs }
    return { found, gap }
  }

  /** The values of several keys, in one round trip; `undefined` when Redis could not be asked. */
  async readMany(keys: readonly string[]): Promise<(Fresh | undefined)[] | undefined> {
    const answers = await Promise.all(keys.map((key) => this.read(key, [])))
    return answers.map((answer) => answer?.found)
  }

  /**
   * Asks for the right to load a key. Where another process has it, waits for its value, for its
   * lease to run out or for the signal, whichever is first; with `isRefresh` it does not wait but
   * says `busy`. Trouble with Redis gives the right, without a lease.
   */
  async claim(
    key: string,
    gap: RedisGap,
    options: { tags: readonly string[]; signal: AbortSignal; isRefresh: boolean },
  ): Promise<Claim> {
    void key
    void options
    return { kind: 'load', gap, lease: undefined }
  }

  /** Memory may be believed: the bus was heard less than `busLostMs` ago, or there is no bus. */
  get isHeard(): boolean {
    return true
  }

  /**
   * Stores the value of a load, in the background, unless it was overtaken.
   *
   * @throws HotpathError HOTPATH_CACHE_VALUE_INVALID
   */
  fill(key: string, fresh: Fresh, gap: RedisGap, lease?: Lease): void {
    lease?.end()
    if (this.#clock.monotonicMs() - gap.sinceMs > maxLoadMs) {
      this.#overtaken++
      return
    }
    const value = encodeValue(fresh.value)
    this.#background.send('fill', async () => {
      const tags = await this.#tagsToStore(fresh, gap)
      const stored =
        tags !== undefined &&
        (await this.#redis.runScript(
          fillScript,
          [this.#valueKey(key)],
          [gap.identity, this.#encode(fresh, value, tags, gap.sinceEpochMs), redisTtl(fresh.ttlMs)],
        ))
      if (stored === 1) this.#writes++
      else this.#overtaken++
    })
  }

  /**
   * The tags with the versions that they had when the load began; `undefined` when that is not known.
   * Of tags that came with the value, nobody has noted it: they are taken as they are now, where
   * nothing at all was invalidated meanwhile.
   */
  async #tagsToStore(fresh: Fresh, gap: RedisGap): Promise<VersionedTag[] | undefined> {
    const known = new Set(gap.tags.map(({ name }) => name))
    const late = (fresh.tags ?? []).filter((name) => !known.has(name))
    if (late.length === 0) return [...gap.tags]
    const versions = await this.#tags.versions([...late, everyTag])
    if (versions.get(everyTag) !== gap.epoch) return undefined
    return [...gap.tags, ...this.#tags.versioned(late, versions)]
  }

  /**
   * Not an async function, so that what cannot be sent is refused before anything is written.
   *
   * @throws HotpathError HOTPATH_CACHE_VALUE_INVALID
   */
  set(key: string, fresh: Fresh): Promise<void> {
    return this.#set(this.#valueKey(key), fresh, encodeValue(fresh.value))
  }

  /** @throws HotpathError HOTPATH_CACHE_VALUE_INVALID, before anything is written */
  async setMany(entries: readonly (readonly [key: string, fresh: Fresh])[]): Promise<void> {
    await Promise.all(entries.map(([key, fresh]) => this.set(key, fresh)))
  }

  async delete(key: string): Promise<void> {
    await this.#pay('delete', [this.#tombstone(this.#valueKey(key))])
  }

  async invalidate(tags: readonly string[]): Promise<void> {
    // Not for as long as a tag that values carry: most tags that are invalidated have none.
    const ttlMs = writeMarkTtlMs
    await this.#pay(
      'invalidate',
      [everyTag, ...tags].map((tag) => ({
        key: this.#tags.keyOf(tag),
        value: newTagVersion(),
        ttlMs,
      })),
    )
  }

  /** Makes the values of the tags stale, not missing. */
  expire(tags: readonly string[]): Promise<void> {
    return this.invalidate(tags)
  }

  async close(): Promise<void> {
    await this.#background.settled()
    this.#circuit.close()
  }

  #valueKey(key: string): string {
    return `${this.#options.namespace}:v:${key}`
  }

  #owes(valueKey: string, tags: readonly string[]): boolean {
    if (this.#debts.size === 0) return false
    return this.#debts.has(valueKey) || tags.some((tag) => this.#debts.has(this.#tags.keyOf(tag)))
  }

  async #readRecord(valueKey: string, tags: readonly string[]): Promise<RedisRecord> {
    const [bytes, versions] = await Promise.all([
      this.#redis.get(valueKey),
      this.#tags.versions([everyTag, ...tags]),
    ])
    if (bytes === null) return { identity: noIdentity, versions, fresh: undefined }
    const identity = Buffer.from(bytes.subarray(0, identityBytes))
    const envelope = decodeEnvelope(bytes)
    const isBelieved =
      envelope !== undefined && (await this.#isBelieved(valueKey, envelope, versions))
    return { identity, versions, fresh: isBelieved ? this.#decode(envelope) : undefined }
  }

  async #isBelieved(valueKey: string, envelope: Envelope, known: TagVersions): Promise<boolean> {
    if (envelope.expiresEpochMs <= this.#clock.epochMs()) return false
    if (envelope.loadedEpochMs < this.#debts.distrustBeforeEpochMs) return false

    const names = envelope.tags.map(({ name }) => name)
    const others = names.filter((name) => !known.has(name))
    const versions = others.length === 0 ? known : await this.#tags.versions(names)
    if (envelope.tags.some(({ name, version }) => versions.get(name) !== version)) return false
    return !this.#owes(valueKey, names)
  }

  #decode(envelope: Envelope): Fresh | undefined {
    try {
      return {
        value: decodeValue(envelope.value),
        isMissing: envelope.isMissing,
        ttlMs: envelope.expiresEpochMs - this.#clock.epochMs(),
        staleMs: 0,
        staleIfErrorMs: 0,
        loadMs: 0,
        tags: envelope.tags.map(({ name }) => name),
      }
    } catch (error) {
      // Written by a newer Node, whose structured clone this one cannot read.
      this.#options.onTrouble('decode', error)
      return undefined
    }
  }

  #encode(
    fresh: Fresh,
    value: EncodedValue,
    tags: readonly VersionedTag[],
    loadedEpochMs: number,
  ): Buffer {
    const expiresEpochMs = this.#clock.epochMs() + fresh.ttlMs
    return encodeEnvelope({
      value,
      isMissing: fresh.isMissing,
      loadedEpochMs,
      expiresEpochMs,
      tags,
    })
  }

  async #set(valueKey: string, fresh: Fresh, value: EncodedValue): Promise<void> {
    const tombstone = this.#tombstone(valueKey)
    this.#debts.add([tombstone], this.#clock.epochMs())
    const isDone = await this.#circuit.run('set', async () => {
      const names = fresh.tags ?? []
      const loadedEpochMs = this.#clock.epochMs()
      const tags = this.#tags.versioned(names, await this.#tags.versions(names))
      const record = this.#encode(fresh, value, tags, loadedEpochMs)
      await this.#redis.set(valueKey, record, { ttlMs: redisTtl(fresh.ttlMs) })
      return true
    })
    if (isDone === true) {
      this.#writes++
      this.#debts.settle(tombstone)
    } else {
      // What stands there, if anything, is the value from before: the tombstone is still owed.
      this.#circuit.trip()
    }
  }

  #tombstone(valueKey: string): RedisDebt {
    return { key: valueKey, value: encodeTombstone(), ttlMs: writeMarkTtlMs }
  }

  async #pay(operation: string, debts: readonly RedisDebt[]): Promise<void> {
    this.#debts.add(debts, this.#clock.epochMs())
    const isPaid = await this.#circuit.run(operation, async () => {
      await this.#debts.pay(debts)
      return true
    })
    if (isPaid !== true) this.#circuit.trip()
  }

  async #probe(): Promise<void> {
    if (this.#debts.size > 0) await this.#debts.payAll()
    else await this.#redis.get(`${this.#options.namespace}:probe`)
  }
}

interface RedisRecord {
  readonly identity: Buffer
  readonly versions: TagVersions
  readonly fresh: Fresh | undefined
}

const noIdentity = Buffer.alloc(0)

/** Redis takes whole milliseconds. */
function redisTtl(ttlMs: number): number {
  return Math.max(1, Math.ceil(ttlMs))
}
