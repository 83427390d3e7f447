import { HotpathError, register } from '../core/index.ts'
import { CoarseTime } from '../memo/index.ts'
import { answerFrom, type Answer, type Held } from './answer.ts'
import { CallDefaults, type Call, type Kept } from './call.ts'
import type { Cache, GetOrSetOptions, Loader, SetOptions } from './cache.ts'
import { CacheEvents } from './events.ts'
import type { Flight } from './flight.ts'
import { Flights } from './flights.ts'
import { checkEachTag, checkKey, checkKeys } from './keys.ts'
import type { Fresh, MemoryEntry } from './memory-entry.ts'
import { MemoryTier } from './memory-tier.ts'
import { Reads } from './reads.ts'
import { RedisTier, type ForeignListener } from './redis-tier.ts'
import type { ResolvedCacheOptions } from './resolved-options.ts'
import type { CacheStats } from './stats.ts'
import { TagTable } from './tags.ts'

export class TieredCache<Value> implements Cache<Value> {
  readonly name: string
  #isClosed = false
  readonly #time: CoarseTime
  readonly #reads: Reads
  readonly #defaults: CallDefaults
  readonly #tags = new TagTable()
  readonly #memory: MemoryTier | undefined
  readonly #redis: RedisTier | undefined
  readonly #flights: Flights
  readonly #unregister: () => void

  constructor(options: ResolvedCacheOptions) {
    const { name, memory, redis, earlyRefresh, clock } = options
    const table = this.#tags
    this.name = name
    const time = (this.#time = new CoarseTime(clock))
    const events = new CacheEvents(name, clock)
    this.#reads = new Reads(events, clock)
    const defaults = (this.#defaults = new CallDefaults(options.keeping))
    this.#memory =
      memory === false ? undefined : new MemoryTier(memory, { tags: table, time, earlyRefresh })
    this.#redis =
      redis === undefined
        ? undefined
        : new RedisTier({
            ...redis,
            clock,
            onTrouble: (operation, error) => events.trouble(operation, error),
            foreign: this.#foreign(),
          })
    const tiers = { memory: this.#memory, redis: this.#redis }
    const isMemoryBelieved = () => this.#isMemoryBelieved
    const shared = { table, clock, time, events, defaults, earlyRefresh, isMemoryBelieved }
    this.#flights = new Flights({ ...shared, ...tiers })
    this.#unregister = register('cache', name, () => this.stats())
  }

  peek<T extends Value = Value>(key: string): T | undefined {
    const entry = this.#read(key) ?? this.#findFresh(key, false)
    return entry === undefined ? undefined : (this.#reads.hit(entry) as T)
  }

  async get<T extends Value = Value>(key: string): Promise<T | undefined> {
    const entry = this.#read(key) ?? this.#findFresh(key, true)
    if (entry !== undefined) return this.#reads.hit(entry) as T

    this.#checkOpen()
    checkKey(key)
    const { step } = this.#tags
    const { startedMs } = this.#reads
    const answer = await this.#redis?.read(key, [])
    return this.#foundInRedis(key, answer?.found, step, startedMs)?.value as T | undefined
  }

  async getMany<T extends Value = Value>(keys: readonly string[]): Promise<Map<string, T>> {
    this.#checkOpen()
    checkKeys(keys)
    const values = new Map<string, T>()
    const others: string[] = []
    for (const key of new Set(keys)) {
      const entry = this.#read(key) ?? this.#findFresh(key, true)
      if (entry === undefined) others.push(key)
      else values.set(key, this.#reads.hit(entry) as T)
    }
    if (others.length === 0) return values

    const { step } = this.#tags
    const { startedMs } = this.#reads
    const found = await this.#redis?.readMany(others)
    for (const [index, key] of others.entries()) {
      const fresh = this.#foundInRedis(key, found?.[index], step, startedMs)
      if (fresh !== undefined) values.set(key, fresh.value as T)
    }
    return values
  }

  // Not an async function: a hit in memory costs nothing but what the caller does with the promise.
  getOrSet<T extends Value>(key: string, load: Loader<T>, options?: GetOrSetOptions): Promise<T> {
    const entry = this.#read(key)
    if (entry !== undefined) {
      this.#reads.hit(entry)
      return entry.promise as Promise<T>
    }
    try {
      this.#checkOpen()
      checkKey(key)
      return this.#ask(key, this.#defaults.call(load, options ?? {})) as Promise<T>
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async set(key: string, value: Value, options: SetOptions = {}): Promise<void> {
    this.#checkOpen()
    const kept = this.#defaults.kept([[key, value]], options)
    await this.#write(kept, this.#redis?.setMany(kept))
  }

  async setMany(
    entries: Iterable<readonly [key: string, value: Value]>,
    options: SetOptions = {},
  ): Promise<void> {
    this.#checkOpen()
    const kept = this.#defaults.kept(entries, options)
    await this.#write(kept, this.#redis?.setMany(kept))
  }

  async delete(key: string): Promise<void> {
    this.#checkOpen()
    checkKey(key)
    this.#forget(key)
    await this.#redis?.delete(key)
  }

  async invalidateTags(tags: readonly string[]): Promise<void> {
    this.#checkOpen()
    checkEachTag(tags)
    this.#tags.invalidate(tags)
    await this.#redis?.invalidate(tags)
  }

  async expireTags(tags: readonly string[]): Promise<void> {
    this.#checkOpen()
    checkEachTag(tags)
    this.#tags.expire(tags, this.#time.nowMs())
    await this.#redis?.expire(tags)
  }

  /** See `remeasure`. */
  remeasure(key: string, value: unknown): void {
    this.#memory?.remeasure(key, value)
  }

  stats(): CacheStats {
    const memory = this.#memory?.stats
    const { hits, memoryHits, misses, stale } = this.#reads
    const answered = hits + misses
    return {
      hits,
      misses,
      hitRatio: answered === 0 ? 0 : hits / answered,
      stale,
      ...this.#flights.counts,
      entries: memory?.entries ?? 0,
      maxEntries: memory?.maxEntries ?? 0,
      evictions: memory?.evictions ?? 0,
      memory: memory && { hits: memoryHits, ...memory },
      redis: this.#redis?.stats,
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#unregister()
    this.#flights.close()
    this.#memory?.clear()
    await this.#redis?.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Memory may be asked: no other process changes the keys, or those that do are heard. */
  get #isMemoryBelieved(): boolean {
    return this.#redis === undefined || this.#redis.isHeard
  }

  #read(key: string): MemoryEntry | undefined {
    return this.#isMemoryBelieved ? this.#memory?.read(key) : undefined
  }

  /** What is fresh but not plainly so; what is due only for those who cannot load it anew. */
  #findFresh(key: string, isDueTaken: boolean): MemoryEntry | undefined {
    const held = this.#isMemoryBelieved ? this.#memory?.find(key) : undefined
    const isTaken = held?.state === 'fresh' || (isDueTaken && held?.state === 'due')
    return isTaken ? held.entry : undefined
  }

  #foundInRedis(
    key: string,
    found: Fresh | undefined,
    step: number,
    startedMs: number | undefined,
  ): Fresh | undefined {
    // Only where nothing at all was written or invalidated since the read began: what was found may
    // have tags that nobody watched meanwhile.
    const isKept = this.#tags.step === step && this.#isMemoryBelieved && !this.#isClosed
    if (found !== undefined && isKept) this.#memory?.write(key, found, step)
    const fresh = found !== undefined && found.ttlMs > 0 ? found : undefined
    this.#reads.count(key, fresh && { ...fresh, tier: 'redis', isStale: false }, startedMs)
    return fresh
  }

  #ask(key: string, call: Call): Promise<unknown> {
    call.signal?.throwIfAborted()
    const flight = this.#flights.get(key)
    const held = this.#held(key, flight)
    if (held === undefined) {
      return this.#join(flight ?? this.#flights.begin(key, call, { isRefresh: false }), call)
    }
    const mayLoad = flight === undefined && this.#time.nowMs() >= held.entry.holdMs
    if (held.state === 'spare' && (flight !== undefined || mayLoad)) {
      const load = flight ?? this.#flights.begin(key, call, { isRefresh: false, held })
      if (load.held === undefined) load.hold(held)
      return this.#join(load, call)
    }
    if (held.state !== 'fresh' && mayLoad) {
      const refresh = this.#flights.begin(key, call, { isRefresh: true, held })
      if (call.isRefreshAwaited) return this.#join(refresh, call)
    }
    const { startedMs } = this.#reads
    return Promise.resolve(this.#deliver(key, answerFrom(held), call, startedMs))
  }

  /** What this process has of a key: in memory, or in the hands of a load that is to replace it. */
  #held(key: string, flight: Flight | undefined): Held | undefined {
    return this.#isMemoryBelieved ? (this.#memory?.find(key) ?? flight?.held) : undefined
  }

  #join(flight: Flight, call: Call): Promise<unknown> {
    const { key } = flight
    const { step } = this.#tags
    const { startedMs } = this.#reads
    return flight.join(call).then(
      // Where nothing was invalidated between the flight's beginning and this call, the value is
      // right for it, whatever tags it turned out to carry.
      (answer) =>
        flight.serves(step) ? this.#deliver(key, answer, call, startedMs) : this.#ask(key, call),
      (error: unknown) => {
        this.#reads.count(key, undefined, startedMs)
        throw error
      },
    )
  }

  #deliver(key: string, answer: Answer, { onStale }: Call, startedMs: number | undefined): unknown {
    this.#reads.count(key, answer, startedMs)
    if (answer.isStale) onStale?.()
    return answer.value
  }

  async #write(kept: readonly Kept[], sent: Promise<void> | undefined): Promise<void> {
    for (const [key, fresh] of kept) {
      this.#forget(key)
      if (this.#isMemoryBelieved) this.#memory?.write(key, fresh, this.#tags.step)
    }
    await sent
  }

  #forget(key: string): void {
    this.#tags.step++
    this.#flights.outdate(key)
    this.#memory?.delete(key)
  }

  /** What other processes do has the effects of what is done here. */
  #foreign(): ForeignListener {
    return {
      written: (keys) => {
        for (const key of keys) this.#forget(key)
      },
      invalidated: (tags) => this.#tags.invalidate(tags),
      expired: (tags) => this.#tags.expire(tags, this.#time.nowMs()),
      flush: () => {
        this.#tags.step++
        this.#flights.doubtAll()
        this.#memory?.clear()
      },
    }
  }

  #checkOpen(): void {
    if (!this.#isClosed) return
    throw new HotpathError(
      'HOTPATH_COMPONENT_CLOSED',
      `the cache '${this.name}' is closed; close it after the last request that uses it`,
    )
  }
}
