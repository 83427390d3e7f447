import type { Clock, RedisLike } from '../core/index.ts'
import {
  decodeEnvelope,
  encodeEnvelope,
  identityBytes,
  type Envelope,
  type VersionedTag,
} from './envelope.ts'
import type { Fresh } from './memory-tier.ts'
import type { RedisDebts } from './redis-debts.ts'
import { everyTag, type RedisTags, type TagStates } from './redis-tags.ts'
import { staleSince } from './tag-version.ts'
import { decodeValue, type EncodedValue } from './value-codec.ts'

/** What stands under a key of Redis. */
export interface RedisRecord {
  /** Changes with every write of the key. */
  readonly identity: Buffer
  /** The tags that were asked for, and {@link everyTag}. */
  readonly tags: TagStates
  readonly found: RedisFinding | undefined
  /** When it was asked for. */
  readonly sinceMs: number
  readonly sinceEpochMs: number
}

/** A value that is to be believed, still in its envelope. */
export interface RedisFinding {
  readonly envelope: Envelope
  /** As of {@link Fresh}: negative for a value that is stale. */
  readonly ttlMs: number
}

/** What {@link RedisRecords} reads from. */
export interface RedisRecordsParts {
  readonly redis: RedisLike
  readonly namespace: string
  readonly clock: Clock
  readonly tags: RedisTags
  readonly debts: RedisDebts
  readonly onTrouble: (operation: string, error: unknown) => void
}

const noIdentity = Buffer.alloc(0)

/** Reads what stands in Redis, and judges whether it is to be believed. */
export class RedisRecords {
  readonly #parts: RedisRecordsParts

  constructor(parts: RedisRecordsParts) {
    this.#parts = parts
  }

  keyOf(key: string): string {
    return `${this.#parts.namespace}:v:${key}`
  }

  /** Something is owed to Redis that what it has of the key is judged by. */
  isOwed(key: string, tags: readonly string[]): boolean {
    const { debts, tags: table } = this.#parts
    if (debts.size === 0) return false
    return debts.has(this.keyOf(key)) || tags.some((tag) => debts.has(table.keyOf(tag)))
  }

  async read(key: string, names: readonly string[]): Promise<RedisRecord> {
    const { redis, clock, tags } = this.#parts
    const sinceMs = clock.monotonicMs()
    const sinceEpochMs = clock.epochMs()
    const [bytes, states] = await Promise.all([
      redis.get(this.keyOf(key)),
      tags.states([everyTag, ...names]),
    ])
    const identity = bytes === null ? noIdentity : Buffer.from(bytes.subarray(0, identityBytes))
    const record = { identity, tags: states, sinceMs, sinceEpochMs }
    const envelope = bytes === null ? undefined : decodeEnvelope(bytes)
    if (envelope === undefined) return { ...record, found: undefined }

    const others = envelope.tags.filter(({ name }) => !states.has(name))
    // All of them anew: of those that were read before, one may have changed since.
    const judging = others.length === 0 ? states : await tags.states(namesOf(envelope))
    return { ...record, found: this.#judge(key, envelope, judging) }
  }

  async readMany(keys: readonly string[]): Promise<(RedisFinding | undefined)[]> {
    const { redis, tags } = this.#parts
    const records = await Promise.all(keys.map((key) => redis.get(this.keyOf(key))))
    const envelopes = records.map((bytes) => (bytes === null ? undefined : decodeEnvelope(bytes)))
    const names = new Set(envelopes.flatMap((envelope) => (envelope ? namesOf(envelope) : [])))
    const states = await tags.states([...names])
    return envelopes.map((envelope, index) =>
      envelope === undefined ? undefined : this.#judge(keys[index] ?? '', envelope, states),
    )
  }

  /** `undefined` for what was written by a newer Node, whose structured clone this one cannot read. */
  async open(found: RedisFinding | undefined): Promise<Fresh | undefined> {
    if (found === undefined) return undefined
    const { envelope, ttlMs } = found
    const { isMissing, staleMs, staleIfErrorMs, loadMs } = envelope
    try {
      const value = await decodeValue(envelope.value)
      return { value, isMissing, ttlMs, staleMs, staleIfErrorMs, loadMs, tags: namesOf(envelope) }
    } catch (error) {
      this.#parts.onTrouble('decode', error)
      return undefined
    }
  }

  #judge(key: string, envelope: Envelope, states: TagStates): RedisFinding | undefined {
    const { clock, debts } = this.#parts
    if (envelope.loadedEpochMs < debts.distrustBeforeEpochMs) return undefined
    if (this.isOwed(key, namesOf(envelope))) return undefined

    const nowMs = clock.epochMs()
    let freshUntil = envelope.expiresEpochMs
    for (const { name, version } of envelope.tags) {
      const state = states.get(name)
      const since = state && staleSince(version, state)
      if (since === undefined) return undefined
      // By a clock that is ahead of ours, a tag expires in the future.
      if (since < Infinity) freshUntil = Math.min(freshUntil, since, nowMs)
    }
    const ttlMs = freshUntil - nowMs
    const usableMs = ttlMs + Math.max(envelope.staleMs, envelope.staleIfErrorMs)
    return usableMs > 0 ? { envelope, ttlMs } : undefined
  }
}

/** What is to stand in Redis. */
export function encodeRecord(
  fresh: Fresh,
  value: EncodedValue,
  tags: readonly VersionedTag[],
  loadedEpochMs: number,
  nowEpochMs: number,
): Buffer {
  const { isMissing, staleMs, staleIfErrorMs, loadMs } = fresh
  const expiresEpochMs = nowEpochMs + fresh.ttlMs
  const retention = { loadedEpochMs, expiresEpochMs, staleMs, staleIfErrorMs, loadMs }
  return encodeEnvelope({ value, isMissing, tags, ...retention })
}

/** Whole milliseconds, for as long as the value can still be of use. */
export function redisTtl({ ttlMs, staleMs, staleIfErrorMs }: Fresh): number {
  return Math.max(1, Math.ceil(ttlMs + Math.max(staleMs, staleIfErrorMs)))
}

function namesOf({ tags }: Envelope): string[] {
  return tags.map(({ name }) => name)
}
