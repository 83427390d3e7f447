import type { RedisLike } from '../core/index.ts'
import { newTagVersion, tagVersionBytes, type VersionedTag } from './envelope.ts'

/** The versions that tags have; `undefined` for a tag that Redis does not know. */
export type TagVersions = ReadonlyMap<string, string | undefined>

/**
 * A tag of all values: every invalidation gives it a new version, before it does so for the tags
 * that are meant. Who reads other tags' versions and then this one's, and finds the latter as it
 * was, knows that nothing was invalidated meanwhile that he would not see. No user's tag is empty.
 */
export const everyTag = ''

/** A tag that expires takes its values with it, so it outlives most of them. */
const tagTtlMs = 86_400_000

/**
 * The tags in Redis. An invalidation gives a tag a new version; a value is believed while its tags
 * have the versions that they had when it was made.
 */
export class RedisTags {
  readonly #redis: RedisLike
  readonly #namespace: string
  readonly #writeLater: (send: () => Promise<unknown>) => void

  constructor(
    redis: RedisLike,
    namespace: string,
    writeLater: (send: () => Promise<unknown>) => void,
  ) {
    this.#redis = redis
    this.#namespace = namespace
    this.#writeLater = writeLater
  }

  keyOf(tag: string): string {
    return `${this.#namespace}:t:${tag}`
  }

  // Single-key commands sent in one go: one round trip, as with MGET, but a cluster takes them too.
  async versions(tags: readonly string[]): Promise<TagVersions> {
    const found = await Promise.all(tags.map((tag) => this.#redis.get(this.keyOf(tag))))
    return new Map(
      tags.map((tag, index) => {
        const version = found[index]
        return [tag, version?.length === tagVersionBytes ? version.toString('latin1') : undefined]
      }),
    )
  }

  /** The tags as a value that begins to be made now must carry them. */
  versioned(tags: readonly string[], versions: TagVersions): VersionedTag[] {
    return tags.map((name) => ({ name, version: versions.get(name) ?? this.#introduce(name) }))
  }

  // Absence must not count as a version: Redis may forget a tag, and values from before would be
  // believed again.
  #introduce(tag: string): string {
    const version = newTagVersion()
    this.#writeLater(() =>
      this.#redis.set(this.keyOf(tag), version, { ttlMs: tagTtlMs, ifAbsent: true }),
    )
    return version
  }
}
