import { redisScript, type RedisScript } from '../core/index.ts'
import { identityBytes } from './envelope.ts'

/** Stores a value where the key still has the identity that the load found when it began. */
export const fillScript: RedisScript = redisScript(`
if redis.call('GETRANGE', KEYS[1], 0, ${identityBytes - 1}) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`)
