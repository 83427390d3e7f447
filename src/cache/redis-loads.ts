import { type Circuit, type Clock, type RedisLike } from '../core/index.ts'
import type { BackgroundWrites } from './background-writes.ts'
import type { VersionedTag } from './envelope.ts'
import { fillScript } from './fill-script.ts'
import type { HeldLease, Lease, Leases } from './leases.ts'
import type { Fresh } from './memory-tier.ts'
import type { Serializer } from './options.ts'
import { pause } from './pause.ts'
import { encodeRecord, redisTtl, type RedisRecord, type RedisRecords } from './redis-records.ts'
import { everyTag, type RedisTags } from './redis-tags.ts'
import { compressValue, encodeValue, type EncodedValue } from './value-codec.ts'

/** What a load must present to have its value stored: the state of things when it began. */
export interface RedisGap {
  readonly identity: Buffer
  readonly tags: readonly VersionedTag[]
  /** The version of {@link everyTag}. */
  readonly epoch: string | undefined
  readonly sinceMs: number
  readonly sinceEpochMs: number
}

/**
 * The outcome of {@link RedisLoads.claim}: load, on behalf of all processes where there is a lease;
 * take what another process has loaded meanwhile; or leave it to the one that is loading.
 */
export type Claim =
  | { readonly kind: 'load'; readonly gap: RedisGap; readonly lease: Lease | undefined }
  | { readonly kind: 'found'; readonly found: Fresh }
  | { readonly kind: 'busy' }

/** How a key is claimed. */
export interface ClaimOptions {
  readonly tags: readonly string[]
  readonly signal: AbortSignal
  /** There is a value to serve meanwhile: do not wait. */
  readonly isRefresh: boolean
}

/** What {@link RedisLoads} work with. */
export interface RedisLoadsParts {
  readonly redis: RedisLike
  readonly clock: Clock
  readonly circuit: Circuit
  readonly background: BackgroundWrites
  readonly tags: RedisTags
  readonly records: RedisRecords
  /** Without them every process loads for itself. */
  readonly leases: Leases | undefined
  readonly serializer: Serializer
  readonly compressMinBytes: number | false
  /** Loads that take longer are not stored: what tells that they were overtaken has expired. */
  readonly maxLoadMs: number
}

/** Who waits for another process looks again after this, and then ever more rarely. */
const firstPauseMs = 5
const maxPauseMs = 50
const pauseGrowth = 1.5

/** What the processes load: who of them does it, and what is kept of it. */
export class RedisLoads {
  writes = 0
  /** Values that were not stored because something newer was known. */
  overtaken = 0
  readonly #parts: RedisLoadsParts

  constructor(parts: RedisLoadsParts) {
    this.#parts = parts
  }

  /** What a load must present that begins after the record was read. */
  gap(record: RedisRecord, names: readonly string[]): RedisGap {
    const { identity, sinceMs, sinceEpochMs } = record
    const [epoch, ...tags] = this.#parts.tags.versioned([everyTag, ...names], record.tags)
    return { identity, tags, epoch: epoch?.version, sinceMs, sinceEpochMs }
  }

  /** As {@link RedisTier.claim} says. */
  async claim(key: string, gap: RedisGap, options: ClaimOptions): Promise<Claim> {
    const { clock, circuit, leases, records } = this.#parts
    const { tags, signal, isRefresh } = options
    if (leases === undefined) return { kind: 'load', gap, lease: undefined }

    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * pauseGrowth, maxPauseMs)) {
      // A write of this process is on its way: it arrives, or opens the circuit.
      if (records.isOwed(key, tags) && !circuit.isOpen) {
        await pause(clock, pauseMs, signal)
        continue
      }
      const look = await this.#look(leases, key, tags)
      if (look === undefined) return { kind: 'load', gap, lease: undefined }

      const { verdict, record } = look
      const lease = typeof verdict === 'string' ? undefined : verdict
      const found = await this.#foundSince(gap, record)
      if (signal.aborted || found !== undefined) lease?.giveBack()
      signal.throwIfAborted()
      if (found !== undefined) return { kind: 'found', found }
      if (isRefresh && lease === undefined) return { kind: 'busy' }
      if (verdict !== 'taken') return { kind: 'load', gap: this.gap(record, tags), lease }
      await pause(clock, pauseMs, signal)
    }
  }

  /** As {@link RedisTier.fill} says. */
  fill(key: string, fresh: Fresh, gap: RedisGap, lease: Lease | undefined): void {
    const { clock, background, serializer, maxLoadMs } = this.#parts
    if (clock.monotonicMs() - gap.sinceMs > maxLoadMs) {
      this.overtaken++
      lease?.end()
      return
    }
    const value = encodeValue(fresh.value, serializer)
    const endLease = lease?.handOver()
    const started = background.start(async () => {
      const isStored = await this.#store(key, fresh, value, gap)
      if (isStored) this.writes++
      else this.overtaken++
      endLease?.(isStored)
    })
    if (started === undefined) endLease?.(false)
  }

  // One round trip: the value is looked for after the lease was asked for, as the one who had it
  // before may have stored one meanwhile.
  async #look(
    leases: Leases,
    key: string,
    tags: readonly string[],
  ): Promise<{ verdict: HeldLease | 'taken' | 'marked'; record: RedisRecord } | undefined> {
    const { circuit, records } = this.#parts
    return circuit.run('claim', async (attempt) => {
      const asked = leases.take(key, tags, attempt)
      const [verdict, record] = await Promise.all([asked, records.read(key, tags)])
      return { verdict, record }
    })
  }

  /** The value that another process has stored since the gap was seen, if it is fresh. */
  async #foundSince(gap: RedisGap, { identity, found }: RedisRecord): Promise<Fresh | undefined> {
    if (found === undefined || found.ttlMs <= 0 || identity.equals(gap.identity)) return undefined
    return this.#parts.records.open(found)
  }

  async #store(key: string, fresh: Fresh, value: EncodedValue, gap: RedisGap): Promise<boolean> {
    const { redis, clock, circuit, records, compressMinBytes } = this.#parts
    const compressed = await compressValue(value, compressMinBytes)
    const stored = await circuit.run('fill', async () => {
      const tags = await this.#tagsToStore(fresh, gap)
      if (tags === undefined) return 0
      const record = encodeRecord(fresh, compressed, tags, gap.sinceEpochMs, clock.epochMs())
      return redis.runScript(
        fillScript,
        [records.keyOf(key)],
        [gap.identity, record, redisTtl(fresh)],
      )
    })
    return stored === 1
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
    const { tags } = this.#parts
    const states = await tags.states([...late, everyTag])
    if (states.get(everyTag)?.version !== gap.epoch) return undefined
    return [...gap.tags, ...tags.versioned(late, states)]
  }
}
