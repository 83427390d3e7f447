import { redisScript, type RedisLike } from '../core/index.ts'
import type { BackgroundWrites } from './background-writes.ts'
import type { Bus } from './bus.ts'
import type { VersionedTag } from './envelope.ts'
import type { RedisDebt } from './redis-debts.ts'
import {
  hardVersionLength,
  keptExpiriesLength,
  newExpiry,
  newTagRecord,
  parseTagRecord,
  tagState,
  type TagState,
} from './tag-version.ts'

/** Tags as they stand; `undefined` for a tag that Redis does not know. */
export type TagStates = ReadonlyMap<string, TagState | undefined>

/** What {@link RedisTags} work with. */
export interface RedisTagsParts {
  readonly redis: RedisLike
  readonly namespace: string
  readonly bus: Bus | undefined
  readonly background: BackgroundWrites
}

/**
 * A tag of all values: every invalidation gives it a new version, before it does so for the tags
 * that are meant. Who reads other tags' versions and then this one's, and finds the latter as it
 * was, knows that nothing was invalidated meanwhile that he would not see. No user's tag is empty.
 */
export const everyTag = ''

/** A tag that Redis forgets takes its values with it, so it outlives most of them. */
const tagTtlMs = 86_400_000

// The other processes are told by the script: where Redis does not know it yet, it is sent a second
// time, and a message beside it would be there first.
const expireScript = redisScript(`
local found = redis.call('GET', KEYS[1])
local hard, earlier, ttl = ARGV[1], '', tonumber(ARGV[3])
if found and #found >= ${hardVersionLength} then
  hard = string.sub(found, 1, ${hardVersionLength})
  earlier = string.sub(found, ${hardVersionLength + 1}, ${hardVersionLength + keptExpiriesLength})
  ttl = math.max(ttl, redis.call('PTTL', KEYS[1]))
end
redis.call('SET', KEYS[1], hard .. ARGV[2] .. earlier, 'PX', ttl)
if ARGV[4] ~= '' then redis.pcall('PUBLISH', ARGV[4], ARGV[5]) end
`)

/**
 * The tags in Redis. An invalidation gives a tag a new version; a value is believed while its tags
 * have the versions that they had when it was made. An expiry adds a second version, to which values
 * are not equal either, but which leaves them to be served stale.
 */
export class RedisTags {
  readonly #parts: RedisTagsParts
  /** Versions that are on their way to Redis, so that all who need one meanwhile take the same. */
  readonly #introduced = new Map<string, TagState>()

  constructor(parts: RedisTagsParts) {
    this.#parts = parts
  }

  // The braces keep all tags of a namespace in one slot, so that a cluster, too, reads them in one
  // command: a page may carry dozens, and each command of its own costs the client as much.
  keyOf(tag: string): string {
    return `{${this.#parts.namespace}:t}:${tag}`
  }

  async states(tags: readonly string[]): Promise<TagStates> {
    const found = await this.#parts.redis.getMany(tags.map((tag) => this.keyOf(tag)))
    return new Map(tags.map((tag, index) => [tag, parseTagRecord(found[index])]))
  }

  /** The tags as a value that begins to be made now must carry them. */
  versioned(tags: readonly string[], states: TagStates): VersionedTag[] {
    return tags.map((name) => ({
      name,
      version: (states.get(name) ?? this.#introduce(name)).version,
    }))
  }

  /** Kept for `ttlMs`, not for as long as a tag with values: most that are invalidated have none. */
  invalidation(tag: string, ttlMs: number): RedisDebt {
    const { redis } = this.#parts
    const key = this.keyOf(tag)
    const record = newTagRecord()
    return {
      key,
      write: () => redis.set(key, record, { ttlMs }),
      notice: tag === everyTag ? undefined : { kind: 'invalidated', name: tag },
    }
  }

  /** Kept for `ttlMs`, or for as long as the tag was to be kept. */
  expiry(tag: string, ttlMs: number, epochMs: number): RedisDebt {
    const { redis, bus } = this.#parts
    const key = this.keyOf(tag)
    const notice = { kind: 'expired', name: tag } as const
    const telling = [bus?.channel ?? '', bus?.messageOf(notice) ?? '']
    const values = [newTagRecord(), newExpiry(epochMs), ttlMs, ...telling]
    return {
      key,
      write: () => redis.runScript(expireScript, [key], values),
      notice,
      isTold: true,
    }
  }

  // Absence must not count as a version: Redis may forget a tag, and values from before would be
  // believed again.
  #introduce(tag: string): TagState {
    const underWay = this.#introduced.get(tag)
    if (underWay !== undefined) return underWay
    const { redis, background } = this.#parts
    const record = newTagRecord()
    const state = tagState(record)
    const sent = background.send('tag', () =>
      redis.set(this.keyOf(tag), record, { ttlMs: tagTtlMs, ifAbsent: true }),
    )
    if (sent !== undefined) {
      this.#introduced.set(tag, state)
      void sent.finally(() => this.#introduced.delete(tag))
    }
    return state
  }
}
