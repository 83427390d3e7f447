import { inspect } from 'node:util'
import { HotpathError } from '../core/index.ts'

/** Keys and tags are kept, sent and compared as they are: longer ones are hashed by the caller. */
export const maxKeyLength = 2_048
/** Each tag of an entry is compared on a read from Redis, so that a set of them must stay small. */
export const maxTagsPerEntry = 256

/** @throws HotpathError HOTPATH_CACHE_KEY_INVALID */
export function checkKey(key: string): void {
  if (!isSound(key)) refuse('a cache key', key)
}

/** @throws HotpathError HOTPATH_CACHE_KEY_INVALID */
export function checkKeys(keys: readonly string[]): void {
  if (!Array.isArray(keys)) refuseList('keys must be an array of strings', keys)
  for (const key of keys) checkKey(key)
}

/** @throws HotpathError HOTPATH_CACHE_KEY_INVALID */
export function checkTags(tags: readonly string[]): void {
  checkEachTag(tags)
  if (tags.length > maxTagsPerEntry) {
    refuseList(`an entry has at most ${maxTagsPerEntry} tags`, tags)
  }
}

/** As many tags as the caller likes: an invalidation is not kept. */
export function checkEachTag(tags: readonly string[]): void {
  if (!Array.isArray(tags)) refuseList('tags must be an array of strings', tags)
  for (const tag of tags) if (!isSound(tag)) refuse('a tag', tag)
}

function isSound(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    value.length <= maxKeyLength &&
    // Half of a surrogate pair has no bytes of its own: two keys would be one in Redis.
    value.isWellFormed()
  )
}

function refuse(what: string, value: unknown): never {
  const length = typeof value === 'string' ? ` (${value.length} characters)` : ''
  throw new HotpathError(
    'HOTPATH_CACHE_KEY_INVALID',
    `${what} must be a well-formed string of 1 to ${maxKeyLength} characters, not ` +
      `${inspect(value, { depth: 0, maxStringLength: 40 })}${length}; hash what is longer`,
  )
}

function refuseList(rule: string, value: unknown): never {
  throw new HotpathError(
    'HOTPATH_CACHE_KEY_INVALID',
    `${rule}, not ${inspect(value, { depth: 0, maxArrayLength: 3 })}`,
  )
}
