import type { Enqueued, NewTask, ScheduleTick } from '../engine.ts'
import { writeTaskId } from '../task-id.ts'
import { addJob, type OpenQueue } from './job.ts'

/** Where the task of a tick is added, and its tick noted. */
export interface TickHost {
  readonly open: OpenQueue
  /** The hash of the last tick of each schedule: its time, and the id of its task. */
  readonly ticksKey: string
}

/**
 * Adds the task of a tick that nobody has had, and notes the tick, in one transaction of Redis: noted
 * before, the tick would be lost with an `add` that fails; noted after, two processes would both add.
 * A transaction cannot decide, so where the tick was had a mark stands in the place of the job, for
 * which BullMQ adds none. The tick is noted only for a task that is there by then, and a task is left
 * there only with its tick.
 */
export async function addAtTick(
  { open, ticksKey }: TickHost,
  task: NewTask,
  { schedule, atMs }: ScheduleTick,
  uuid: string,
): Promise<Enqueued> {
  const { name, uniqueKey } = task
  const { queue, client } = open
  const jobKey = queue.toKey(uuid)
  const ownerKey = uniqueKey === undefined ? jobKey : queue.toKey(`de:${uniqueKey}`)
  const id = writeTaskId({ name, uuid })
  const transaction = client.multi()
  // As texts: of scripts that Redis has forgotten it might skip one, and do the others.
  transaction.runCommand('eval', [beginScript, 2, ticksKey, jobKey, schedule, atMs])
  const adding = addJob(open, task, uuid, transaction)
  const endKeys = [ticksKey, jobKey, queue.toKey('prioritized'), ownerKey]
  transaction.runCommand('eval', [endScript, 4, ...endKeys, schedule, atMs, uuid, id])
  const [results] = await Promise.all([transaction.exec(), adding])
  const [, added, ended] = results ?? []
  const storedId: unknown = ended?.[1]
  if (typeof storedId === 'string') return { id: storedId, isNew: storedId === id }
  const error = added?.[0] ?? ended?.[0] ?? new Error('Redis has not taken the task of the tick')
  // BullMQ's script is sent as a text again by a new connection only.
  if (error.message.startsWith('NOSCRIPT')) client.disconnect(true)
  throw error
}

/** A field of what holds the place of a job. */
const mark = 'hotpath-had'

/** KEYS: ticks, job. ARGV: schedule, time. Marks the place of the job where the tick was had. */
const beginScript = `
local noted = redis.call('HGET', KEYS[1], ARGV[1])
if noted and tonumber(string.match(noted, '^%S+')) >= tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[2], '${mark}', 1)
end`

/**
 * KEYS: ticks, job, prioritized, its key of deduplication or the job. ARGV: schedule, time, uuid, id.
 * Answers the id of the task of the tick. Where BullMQ has added none, or the tick cannot be noted,
 * nothing is left of either.
 */
const endScript = `
if redis.call('HEXISTS', KEYS[2], '${mark}') == 1 then
  redis.call('DEL', KEYS[2])
  return string.match(redis.call('HGET', KEYS[1], ARGV[1]), '^%S+ (.*)$')
end
local id = ARGV[4]
local isAdded = redis.call('ZSCORE', KEYS[3], ARGV[3])
if not isAdded then
  local owner = KEYS[4] ~= KEYS[2] and redis.call('GET', KEYS[4])
  if owner and owner ~= ARGV[3] then id = string.sub(id, 1, -1 - #ARGV[3]) .. owner else id = nil end
end
local noted = id and redis.pcall('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. id)
if type(noted) == 'number' then return id end
redis.call('ZREM', KEYS[3], ARGV[3])
redis.call('DEL', KEYS[2])
if KEYS[4] ~= KEYS[2] and redis.call('GET', KEYS[4]) == ARGV[3] then redis.call('DEL', KEYS[4]) end
return noted or false`
