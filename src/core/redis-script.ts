import { createHash } from 'node:crypto'
import type { RedisScript } from './redis.ts'

/**
 * Makes a {@link RedisScript} of a Lua text: once, when a module is loaded.
 *
 * @example
 * ```ts
 * import { redisScript } from 'hotpath'
 *
 * const touch = redisScript('return redis.call("PEXPIRE", KEYS[1], ARGV[1])')
 * ```
 */
export function redisScript(text: string): RedisScript {
  return { text, sha1: createHash('sha1').update(text).digest('hex') }
}
