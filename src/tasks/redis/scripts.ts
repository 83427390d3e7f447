import { redisScript, type RedisScript } from '../../core/index.ts'

// What BullMQ has no call for, on the keys that it keeps a queue in. As one script each, so that no
// worker claims or ends the task in between.

/** Fields of BullMQ's hash of a job, and one of ours. */
export const progressField = 'hotpath-progress'

/** The reason that marks a job as cancelled. */
export const cancelledReason = 'HOTPATH_TASKS_CANCELLED'

/** KEYS: job, its lock, active. Answers whether it is active, then the job's fields. */
export const findScript: RedisScript = redisScript(`
local fields = redis.call('HGETALL', KEYS[1])
if #fields == 0 then return false end
local active = redis.call('EXISTS', KEYS[2])
if active == 0 and redis.call('HEXISTS', KEYS[1], 'finishedOn') == 0
  and redis.call('LPOS', KEYS[3], ARGV[1]) then active = 1 end
table.insert(fields, 1, active)
return fields
`)

/** KEYS: job, its lock. ARGV: token, field, value. Sets a field, if the attempt holds its lock. */
export const fencedSetScript: RedisScript = redisScript(`
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
return 1
`)

/**
 * KEYS: job, its lock, wait, paused, active, prioritized, delayed, stalled. ARGV: id, time, reason,
 * prefix of the keys of deduplication. The worker finds its lock gone. It is in no set of BullMQ's any
 * more, which forgets only when it next adds to one: Redis itself removes it.
 */
export const cancelScript: RedisScript = redisScript(`
local id = ARGV[1]
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('HEXISTS', KEYS[1], 'finishedOn') == 1 then
  return 0
end
local count = 0
for at = 3, 5 do count = count + redis.call('LREM', KEYS[at], 1, id) end
for at = 6, 7 do count = count + redis.call('ZREM', KEYS[at], id) end
if count == 0 then return 0 end
redis.call('DEL', KEYS[2])
redis.call('SREM', KEYS[8], id)
redis.call('HSET', KEYS[1], 'finishedOn', ARGV[2], 'failedReason', ARGV[3])
local ttl = cjson.decode(redis.call('HGET', KEYS[1], 'data'))[3]
redis.call('PEXPIRE', KEYS[1], math.ceil(ttl))
local key = redis.call('HGET', KEYS[1], 'deid')
if key and redis.call('GET', ARGV[4] .. key) == id then redis.call('DEL', ARGV[4] .. key) end
return 1
`)

/**
 * KEYS: job. ARGV: id, data, prefix of the keys of deduplication, milliseconds. Takes the unique key
 * of a dead letter for a moment, and has its attempts counted anew.
 */
export const beginReplayScript: RedisScript = redisScript(`
if redis.call('HEXISTS', KEYS[1], 'finishedOn') == 0 then return 0 end
local key = redis.call('HGET', KEYS[1], 'deid')
if key then
  local holder = redis.call('GET', ARGV[3] .. key)
  if holder and holder ~= ARGV[1] then return 0 end
  redis.call('SET', ARGV[3] .. key, ARGV[1], 'PX', ARGV[4])
end
redis.call('HSET', KEYS[1], 'data', ARGV[2])
redis.call('HDEL', KEYS[1], '${progressField}')
return 1
`)

/** KEYS: job. ARGV: id, prefix of the keys of deduplication. Keeps the key that a replay took. */
export const endReplayScript: RedisScript = redisScript(`
local key = redis.call('HGET', KEYS[1], 'deid')
if not key or redis.call('GET', ARGV[2] .. key) ~= ARGV[1] then return 0 end
if redis.call('HEXISTS', KEYS[1], 'finishedOn') == 1 then return redis.call('DEL', ARGV[2] .. key) end
return redis.call('PERSIST', ARGV[2] .. key)
`)

/** KEYS: names. Notes that there are tasks of a name. */
export const noteNameScript: RedisScript = redisScript(
  `return redis.call('SADD', KEYS[1], ARGV[1])`,
)

/** KEYS: names. */
export const namesScript: RedisScript = redisScript(`return redis.call('SMEMBERS', KEYS[1])`)

/** KEYS: failed. ARGV: first, last. The ids of failed jobs, the latest first. */
export const failedScript: RedisScript = redisScript(
  `return redis.call('ZREVRANGE', KEYS[1], ARGV[1], ARGV[2])`,
)
