import { HotpathError, positiveMs, register, type Clock } from '../core/index.ts'
import type { Cache, GetOrSetOptions, LoadContext, Loader, SetOptions } from './cache.ts'
import { CacheEvents } from './events.ts'
import { FlightContext } from './flight-context.ts'
import { Flight } from './flight.ts'
import { checkEachTag, checkKey, checkTags } from './keys.ts'
import { MemoryTier, type Fresh, type MemoryEntry } from './memory-tier.ts'
import type { ResolvedCacheOptions } from './options.ts'
import { RedisTier, type RedisGap } from './redis-tier.ts'
import type { CacheStats } from './stats.ts'
import { TagTable } from './tags.ts'

export class TieredCache<Value> implements Cache<Value> {
  readonly name: string
  #hits = 0
  #misses = 0
  #loads = 0
  #loadErrors = 0
  #isClosed = false
  readonly #ttlMs: number
  readonly #negativeTtlMs: number
  readonly #clock: Clock
  readonly #events: CacheEvents
  readonly #tags = new TagTable()
  readonly #flights = new Map<string, Flight>()
  readonly #memory: MemoryTier | undefined
  readonly #redis: RedisTier | undefined
  readonly #unregister: () => void

  constructor(options: ResolvedCacheOptions) {
    const { name, memory, redis, namespace, redisTimeoutMs, clock } = options
    this.name = name
    this.#ttlMs = options.ttlMs
    this.#negativeTtlMs = options.negativeTtlMs
    this.#clock = clock
    this.#events = new CacheEvents(name, clock)
    this.#memory = memory === false ? undefined : new MemoryTier(memory, this.#tags, clock)
    this.#redis =
      redis === undefined
        ? undefined
        : new RedisTier({
            redis,
            namespace,
            timeoutMs: redisTimeoutMs,
            clock,
            onTrouble: (operation, error) => this.#events.trouble(operation, error),
          })
    this.#unregister = register('cache', name, () => this.stats())
  }

  peek<T extends Value = Value>(key: string): T | undefined {
    const entry = this.#memory?.read(key)
    return entry === undefined ? undefined : (this.#hit(entry) as T)
  }

  async get<T extends Value = Value>(key: string): Promise<T | undefined> {
    const entry = this.#memory?.read(key)
    if (entry !== undefined) return this.#hit(entry) as T

    this.#checkOpen()
    checkKey(key)
    const { step } = this.#tags
    const startedMs = this.#clock.monotonicMs()
    const answer = await this.#redis?.read(key, [])
    if (answer?.found === undefined) {
      this.#misses++
      this.#events.read({ key, tier: undefined, isMissing: false }, startedMs)
      return undefined
    }
    const { value, isMissing } = answer.found
    this.#promote(key, answer.found, step)
    this.#hits++
    this.#events.read({ key, tier: 'redis', isMissing }, startedMs)
    return value as T
  }

  // Not an async function: a hit in memory costs one promise and nothing else.
  getOrSet<T extends Value>(key: string, load: Loader<T>, options?: GetOrSetOptions): Promise<T> {
    const entry = this.#memory?.read(key)
    if (entry !== undefined) return Promise.resolve(this.#hit(entry) as T)
    try {
      return this.#join(key, load, options ?? {}) as Promise<T>
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async set(key: string, value: Value, options: SetOptions = {}): Promise<void> {
    this.#checkOpen()
    checkKey(key)
    const { tags } = options
    if (tags !== undefined) checkTags(tags)
    const fresh = this.#fresh(value, this.#ttlOf(options), tags)
    const sent = this.#redis?.set(key, fresh)
    this.#outdate(key)
    this.#memory?.write(key, fresh, this.#tags.step)
    await sent
  }

  async delete(key: string): Promise<void> {
    this.#checkOpen()
    checkKey(key)
    this.#outdate(key)
    this.#memory?.store.delete(key)
    await this.#redis?.delete(key)
  }

  async invalidateTags(tags: readonly string[]): Promise<void> {
    this.#checkOpen()
    checkEachTag(tags)
    this.#tags.invalidate(tags)
    await this.#redis?.invalidate(tags)
  }

  stats(): CacheStats {
    const store = this.#memory?.store
    const answered = this.#hits + this.#misses
    return {
      hits: this.#hits,
      misses: this.#misses,
      hitRatio: answered === 0 ? 0 : this.#hits / answered,
      loads: this.#loads,
      loadErrors: this.#loadErrors,
      entries: store?.size ?? 0,
      maxEntries: store?.maxEntries ?? 0,
      evictions: store?.evictions ?? 0,
      memory: this.#memory?.stats,
      redis: this.#redis?.stats,
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#unregister()
    for (const flight of this.#flights.values()) flight.detach()
    this.#flights.clear()
    this.#memory?.store.clear()
    await this.#redis?.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #hit(entry: MemoryEntry): unknown {
    this.#hits++
    if (this.#events.isReadHeard) {
      const { key, isMissing } = entry
      this.#events.read({ key, isMissing, tier: 'memory' }, this.#clock.monotonicMs())
    }
    return entry.value
  }

  #join(key: string, load: Loader<unknown>, options: GetOrSetOptions): Promise<unknown> {
    this.#checkOpen()
    checkKey(key)
    const ttlMs = this.#ttlOf(options)
    const { tags, signal } = options
    if (tags !== undefined) checkTags(tags)
    signal?.throwIfAborted()

    let flight = this.#flights.get(key)
    if (flight === undefined || !flight.isCurrent) {
      this.#tags.watch()
      flight = new Flight(key, this.#tags.refer(tags), this.#tags.step, (abandoned) =>
        this.#forget(abandoned),
      )
      this.#flights.set(key, flight)
      flight.land(this.#fly(flight, load, ttlMs, tags))
    }
    const outcome = this.#joined(flight, load, options)
    return this.#events.isReadHeard ? this.#announced(flight, outcome) : outcome
  }

  // Where nothing was invalidated since the flight began, the value is right for this caller,
  // whatever tags it will turn out to carry.
  #joined(flight: Flight, load: Loader<unknown>, options: GetOrSetOptions): Promise<unknown> {
    const outcome = flight.join(options.signal)
    const { step } = this.#tags
    if (step === flight.step) return outcome
    return outcome.then((value) =>
      flight.serves(step) ? value : this.getOrSet(flight.key, load as Loader<Value>, options),
    )
  }

  async #fly(
    flight: Flight,
    load: Loader<unknown>,
    ttlMs: number,
    tags: readonly string[] | undefined,
  ): Promise<unknown> {
    try {
      let gap: RedisGap | undefined
      if (this.#redis !== undefined) {
        const answer = await this.#redis.read(flight.key, tags ?? [])
        if (answer?.found !== undefined) return this.#takeFound(flight, answer.found)
        gap = answer?.gap
        flight.throwIfAbandoned()
      }
      return await this.#load(flight, load, ttlMs, tags, gap)
    } finally {
      // In the same step as the value was kept: nobody comes between the flight and the value.
      this.#forget(flight)
      if (flight.tier === 'redis') this.#hits += flight.callers
      else this.#misses += flight.callers
      this.#tags.release(flight.tags)
      this.#tags.unwatch()
    }
  }

  #takeFound(flight: Flight, found: Fresh): unknown {
    this.#promote(flight.key, found, flight.step)
    flight.tier = 'redis'
    flight.isMissing = found.isMissing
    return found.value
  }

  // Only where nothing at all was written or invalidated since the read began: what was found may
  // have tags that nobody watched meanwhile.
  #promote(key: string, found: Fresh, step: number): void {
    if (this.#tags.step === step && !this.#isClosed) this.#memory?.write(key, found, step)
  }

  async #load(
    flight: Flight,
    load: Loader<unknown>,
    ttlMs: number,
    tags: readonly string[] | undefined,
    gap: RedisGap | undefined,
  ): Promise<unknown> {
    const context = new FlightContext(flight, ttlMs, tags, this.#tags)
    const value = await this.#runLoader(flight.key, load, context)
    if (context.ttlMs !== false && context.hasRoom) {
      this.#keep(flight, this.#fresh(value, positiveMs('ttlMs', context.ttlMs), context.tags), gap)
    }
    return value
  }

  async #runLoader(key: string, load: Loader<unknown>, context: LoadContext): Promise<unknown> {
    this.#loads++
    const startedMs = this.#clock.monotonicMs()
    try {
      const value = await load(context)
      this.#events.load(key, startedMs, undefined)
      return value
    } catch (error) {
      this.#loadErrors++
      this.#events.load(key, startedMs, error)
      throw error
    }
  }

  #keep(flight: Flight, fresh: Fresh, gap: RedisGap | undefined): void {
    flight.isMissing = fresh.isMissing
    if (!flight.isCurrent || this.#isClosed) return
    try {
      this.#memory?.write(flight.key, fresh, flight.step)
      if (gap !== undefined) this.#redis?.fill(flight.key, fresh, gap)
    } catch (error) {
      // The caller asked for a value, and here it is: that it cannot be kept is not his failure.
      this.#events.trouble('fill', error)
    }
  }

  #forget(flight: Flight): void {
    if (this.#flights.get(flight.key) === flight) this.#flights.delete(flight.key)
  }

  #outdate(key: string): void {
    this.#tags.step++
    this.#flights.get(key)?.detach()
    this.#flights.delete(key)
  }

  #fresh(value: unknown, ttlMs: number, tags: readonly string[] | undefined): Fresh {
    const isMissing = value === undefined || value === null
    const keptMs = isMissing ? Math.min(ttlMs, this.#negativeTtlMs) : ttlMs
    return { value, isMissing, ttlMs: keptMs, staleMs: 0, staleIfErrorMs: 0, loadMs: 0, tags }
  }

  #ttlOf({ ttlMs }: SetOptions): number {
    return ttlMs === undefined ? this.#ttlMs : positiveMs('ttlMs', ttlMs)
  }

  #checkOpen(): void {
    if (!this.#isClosed) return
    throw new HotpathError(
      'HOTPATH_COMPONENT_CLOSED',
      `the cache '${this.name}' is closed; close it after the last request that uses it`,
    )
  }

  async #announced(flight: Flight, outcome: Promise<unknown>): Promise<unknown> {
    const startedMs = this.#clock.monotonicMs()
    try {
      return await outcome
    } finally {
      this.#events.read(flight, startedMs)
    }
  }
}
