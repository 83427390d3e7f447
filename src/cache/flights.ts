import { HotpathError, type Clock } from '../core/index.ts'
import type { CoarseTime } from '../memo/index.ts'
import { answerFrom, type Answer, type Held } from './answer.ts'
import type { Call, CallDefaults } from './call.ts'
import type { CacheEvents } from './events.ts'
import { FlightContext } from './flight-context.ts'
import { Flight, type FlightParts } from './flight.ts'
import { MemoryEntry, type Fresh } from './memory-entry.ts'
import type { MemoryTier } from './memory-tier.ts'
import type { Claim, Lease, RedisGap, RedisTier } from './redis-tier.ts'
import type { TagIds, TagTable } from './tags.ts'

/** What the {@link Flights} of a cache work with. */
export interface FlightsParts {
  readonly table: TagTable
  readonly clock: Clock
  readonly time: CoarseTime
  readonly events: CacheEvents
  readonly defaults: CallDefaults
  readonly earlyRefresh: number | false
  readonly memory: MemoryTier | undefined
  readonly redis: RedisTier | undefined
  readonly isMemoryBelieved: () => boolean
}

/** How a flight begins. */
export interface FlightStart {
  readonly isRefresh: boolean
  /** What it sets out to replace. */
  readonly held?: Omit<Held, 'state'>
  /** What Redis has just said of the key. */
  readonly gap?: RedisGap
}

/** The permission to store what a load brings. */
interface Right {
  readonly gap: RedisGap
  readonly lease: Lease | undefined
}

/** After a refresh that brought nothing, the next one waits: a broken source is not hammered. */
const retryMs = 1_000
/** Two readings of one time of expiry, through the clocks of two processes, differ by less. */
const clockNoiseMs = 50

/** The loads that are under way, at most one that is current for each key. */
export class Flights {
  readonly counts = { loads: 0, loadErrors: 0, refreshes: 0, sharedLoads: 0, timeouts: 0 }
  readonly #parts: FlightsParts
  readonly #flightParts: FlightParts
  readonly #flights = new Map<string, Flight>()
  /** Those that were current until their tags expired, and that others have followed. */
  readonly #former = new Map<string, Set<Flight>>()
  #isClosed = false

  constructor(parts: FlightsParts) {
    this.#parts = parts
    const { table, clock, time, isMemoryBelieved } = parts
    this.#flightParts = {
      table,
      clock,
      time,
      isMemoryBelieved,
      onTimeout: () => this.counts.timeouts++,
      onAbandon: (flight) => this.#forget(flight),
    }
  }

  /** The load of a key that a caller of now may wait for. */
  get(key: string): Flight | undefined {
    const flight = this.#flights.get(key)
    return flight?.isOpen === true ? flight : undefined
  }

  begin(key: string, call: Call, start: FlightStart): Flight {
    const { held, isRefresh, gap } = start
    const flight = new Flight(key, call.tags, isRefresh, this.#flightParts)
    if (held !== undefined) flight.hold(held)
    if (isRefresh) {
      this.counts.refreshes++
      flight.goOn(call.hardTimeoutMs)
    }
    this.#succeed(key, flight)
    flight.land(this.#fly(flight, call, gap))
    return flight
  }

  /** The key was written: what is being loaded is not kept. */
  outdate(key: string): void {
    this.#flights.get(key)?.detach()
    this.#flights.delete(key)
    for (const flight of this.#former.get(key) ?? []) flight.detach()
  }

  /** Something may have been missed: what is being loaded is not for memory, nor for who asks now. */
  doubtAll(): void {
    for (const flight of this.#all()) flight.isDoubted = true
  }

  close(): void {
    this.#isClosed = true
    const reason = new HotpathError(
      'HOTPATH_COMPONENT_CLOSED',
      'the cache was closed while this load ran in the background',
    )
    for (const flight of this.#all()) flight.close(reason)
    this.#flights.clear()
  }

  // Without Redis the loader is called before this returns.
  async #fly(flight: Flight, call: Call, gap: RedisGap | undefined): Promise<Answer> {
    try {
      let right: Right | undefined
      const { redis } = this.#parts
      if (redis !== undefined) {
        const found = await this.#ask(redis, flight, call, gap)
        if (found !== undefined && 'value' in found) return found
        right = found
      }
      return await this.#load(flight, call, right)
    } catch (error) {
      const { spare } = flight
      if (spare === undefined) throw error
      if (!flight.isAbandoned) this.#holdBack(flight)
      return spare
    } finally {
      // In the same step as the value was kept: nobody comes between the flight and the value.
      this.#forget(flight)
      flight.end()
    }
  }

  /** What Redis has, or the right to store what is loaded instead; neither where it cannot be asked. */
  async #ask(
    redis: RedisTier,
    flight: Flight,
    call: Call,
    known: RedisGap | undefined,
  ): Promise<Answer | Right | undefined> {
    let gap = known
    if (gap === undefined) {
      const answer = await redis.read(flight.key, call.tags ?? [])
      flight.throwIfAbandoned()
      if (answer === undefined) return undefined
      gap = answer.gap
      const taken = answer.found && this.#judge(flight, call, answer.found, gap)
      if (taken !== undefined) return taken
    }
    const claim = await this.#claim(redis, flight, call, gap)
    if (claim.kind === 'load') return claim
    if (claim.kind === 'busy') {
      this.#holdBack(flight)
      return flight.spare
    }
    this.counts.sharedLoads++
    return answerFrom(this.#adopt(flight, claim.found))
  }

  /** A claim that is busy comes only where there is a value to serve meanwhile. */
  async #claim(redis: RedisTier, flight: Flight, call: Call, gap: RedisGap): Promise<Claim> {
    const { key, signal } = flight
    const tags = call.tags ?? []
    const isRefresh = isServable(flight)
    const claim = await redis.claim(key, gap, { tags, signal, isRefresh })
    if (claim.kind !== 'busy' || isServable(flight)) return claim
    return redis.claim(key, gap, { tags, signal, isRefresh: false })
  }

  /** The answer that ends the flight, where what Redis has is one. */
  #judge(flight: Flight, call: Call, found: Fresh, gap: RedisGap): Answer | undefined {
    if (!isNewer(found, flight, this.#parts.time.nowMs())) return undefined
    const held = this.#adopt(flight, found)
    const { state } = held
    if (state === 'gone') return undefined
    if (state === 'fresh') return answerFrom(held)

    if (flight.isRefresh || state === 'spare' || call.isRefreshAwaited) {
      flight.hold(held)
      return undefined
    }
    // The flight makes way for one that nobody waits for.
    if (flight.isCurrent) {
      this.#forget(flight)
      this.begin(flight.key, call, { isRefresh: true, held, gap })
    }
    return answerFrom(held)
  }

  /** Keeps what Redis has in memory, unless it was overtaken since the flight began. */
  #adopt(flight: Flight, found: Fresh): Held {
    const { table, time, earlyRefresh } = this.#parts
    if (table.wereChanged(found.tags ?? [], flight.step)) flight.outdateUnseen()
    let entry = this.#remember(flight, found, undefined)
    if (entry === undefined) {
      const tags = flight.carry(found.tags)
      const origin = { nowMs: time.nowMs(), earlyRefresh, tags, step: flight.step }
      entry = new MemoryEntry(flight.key, 0, found, origin)
    }
    return { entry, tier: 'redis', state: entry.stateAt(time.nowMs(), table) }
  }

  async #load(flight: Flight, call: Call, right: Right | undefined): Promise<Answer> {
    const { table, clock, events } = this.#parts
    const { key, isRefresh } = flight
    try {
      flight.throwIfAbandoned()
      flight.isLoading = true
      this.counts.loads++
      const context = new FlightContext(flight, call, table)
      const startedMs = clock.monotonicMs()
      let value: unknown
      try {
        value = await call.load(context)
      } catch (error) {
        this.counts.loadErrors++
        events.load({ key, isRefresh, error }, startedMs)
        throw error
      }
      events.load({ key, isRefresh, error: undefined }, startedMs)
      this.#keep(flight, context, value, clock.monotonicMs() - startedMs, right)
      const isMissing = value === undefined || value === null
      return { value, isMissing, tier: undefined, isStale: false }
    } finally {
      right?.lease?.end()
    }
  }

  #keep(
    flight: Flight,
    { retention, tags }: FlightContext,
    value: unknown,
    loadMs: number,
    right: Right | undefined,
  ): void {
    if (retention === undefined || !flight.mayBeKept || this.#isClosed) return
    const { defaults, events, redis } = this.#parts
    const fresh = defaults.fresh(value, retention, tags, loadMs)
    try {
      this.#remember(flight, fresh, flight.tags)
      if (right !== undefined) redis?.fill(flight.key, fresh, right.gap, right.lease)
    } catch (error) {
      // The caller asked for a value, and here it is: that it cannot be kept is not his failure.
      events.trouble('fill', error)
    }
  }

  #remember(flight: Flight, fresh: Fresh, tags: TagIds | undefined): MemoryEntry | undefined {
    const { memory, isMemoryBelieved } = this.#parts
    if (memory === undefined || flight.isDoubted || !isMemoryBelieved()) return undefined
    if (!flight.mayBeKept || this.#isClosed) return undefined
    // Its tags expired meanwhile: the value is stale, and a younger one may be there already.
    const isYoungest = flight.isCurrent || (memory.find(flight.key)?.entry.step ?? 0) <= flight.step
    return isYoungest ? memory.write(flight.key, fresh, flight.step, tags) : undefined
  }

  #holdBack({ held }: Flight): void {
    if (held !== undefined) held.entry.holdMs = this.#parts.time.nowMs() + retryMs
  }

  #succeed(key: string, flight: Flight): void {
    const former = this.#flights.get(key)
    this.#flights.set(key, flight)
    if (former?.mayBeKept !== true) return
    const others = this.#former.get(key)
    if (others === undefined) this.#former.set(key, new Set([former]))
    else others.add(former)
  }

  #forget(flight: Flight): void {
    const { key } = flight
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
    const others = this.#former.get(key)
    if (others?.delete(flight) === true && others.size === 0) this.#former.delete(key)
  }

  #all(): Flight[] {
    return [...this.#flights.values(), ...[...this.#former.values()].flatMap((some) => [...some])]
  }
}

/** False for what the flight set out to replace, come back from Redis. */
function isNewer(found: Fresh, { held }: Flight, nowMs: number): boolean {
  if (held === undefined) return true
  const isFresh = found.ttlMs > 0
  if (held.state !== 'due') return isFresh
  return isFresh && nowMs + found.ttlMs > held.entry.freshMs + clockNoiseMs
}

/** What the flight replaces can be served until it is replaced. */
function isServable({ held }: Flight): boolean {
  return held !== undefined && held.state !== 'spare'
}
