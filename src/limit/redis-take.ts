import {
  redisScript,
  type RedisArgument,
  type RedisReply,
  type RedisScript,
} from '../core/index.ts'
import type { ResolvedPolicy } from './policy.ts'

// One key of Redis is one key of the limiter: a hash of what is owed by each policy, as
// `reading:debt`, and of the uses that processes have taken in advance, as `uses:until`. Those are
// neither spent nor free: they count against the burst, and nothing of them is paid off, until their
// process says how many it has spent, or their time is over, and then all of them are. From that
// moment on they are an ordinary debt. So the sum of both never exceeds the burst, and no window of
// time, wherever it begins, can see more than the burst and what was paid off meanwhile.
//
// Microseconds since 2025, by the clock of Redis: whole numbers that a double holds exactly. Where
// that clock goes back, after a fail-over, nothing is paid off until it has caught up with its own
// new readings.
const text = `
local time = redis.call('TIME')
local now = (tonumber(time[1]) - 1735689600) * 1000000 + tonumber(time[2])
local node = ARGV[1]
local cost, need, more = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local spent, leaseMicros = tonumber(ARGV[5]), tonumber(ARGV[6])

local fields = redis.call('HGETALL', KEYS[1])
local owed, gone = {}, {}
local charged, outstanding, leases = 0, 0, 0
for at = 1, #fields, 2 do
  local name, value = fields[at], fields[at + 1]
  if string.sub(name, 1, 1) == 'l' then
    local uses, untilMicros = string.match(value, '^(%d+):(%d+)$')
    uses = tonumber(uses)
    if tonumber(untilMicros) <= now then
      charged = charged + uses
      gone[#gone + 1] = name
    elseif name == 'l' .. node then
      charged = charged + math.min(spent, uses)
      gone[#gone + 1] = name
    else
      outstanding = outstanding + uses
      leases = leases + 1
    end
  else
    owed[name] = value
  end
end

local allowed, spare = 1, math.huge
local debts, readings = {}, {}
local policies = (#ARGV - 6) / 5
for policy = 1, policies do
  local at = 6 + (policy - 1) * 5
  local use, capacity = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local reading = math.floor(now * tonumber(ARGV[at + 4]))
  local debt = 0
  local value = owed[ARGV[at + 1]]
  if value then
    local was, owes = string.match(value, '^(%d+):(%d+)$')
    local paid = math.max(0, reading - tonumber(was)) * tonumber(ARGV[at + 5])
    debt = math.max(0, tonumber(owes) - paid)
  end
  debt = debt + charged * use
  if debt + (outstanding + cost) * use > capacity then allowed = 0 end
  spare = math.min(spare, math.floor((capacity - debt) / use) - outstanding - cost)
  debts[policy], readings[policy] = debt, reading
end

local reply = { allowed, 0, now, outstanding }
if node == '' then
  for policy = 1, policies do reply[4 + policy] = debts[policy] end
  return reply
end

local granted = 0
if allowed == 1 then
  local needed = math.min(need, spare)
  local share = math.floor((spare - needed) / (4 * (leases + 1)))
  -- A few are not worth a lease, which others would have to wait for.
  if share < 4 then share = 0 end
  granted = needed + math.min(more, share)
end
reply[2] = granted
for _, name in ipairs(gone) do redis.call('HDEL', KEYS[1], name) end
if allowed == 1 or charged > 0 then
  local ttlMs = 0
  local set = {}
  for policy = 1, policies do
    local at = 6 + (policy - 1) * 5
    local use = tonumber(ARGV[at + 2])
    if allowed == 1 then debts[policy] = debts[policy] + cost * use end
    set[#set + 1] = ARGV[at + 1]
    set[#set + 1] = string.format('%.0f:%.0f', readings[policy], debts[policy])
    local ticks = debts[policy] + (outstanding + granted) * use
    local perMs = tonumber(ARGV[at + 4]) * tonumber(ARGV[at + 5]) * 1000
    -- Redis refuses a time of more than 63 bits.
    ttlMs = math.max(ttlMs, math.min(1e15, ticks / perMs))
  end
  if granted > 0 then
    set[#set + 1] = 'l' .. node
    set[#set + 1] = string.format('%.0f:%.0f', granted, now + leaseMicros)
  end
  redis.call('HSET', KEYS[1], unpack(set))
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil(ttlMs + leaseMicros / 1000) + 1000))
end
for policy = 1, policies do reply[4 + policy] = debts[policy] end
return reply
`

/** Settles what a process has taken in advance, decides about a use, and gives out more in advance. */
export const takeScript: RedisScript = redisScript(text)

/** What a process asks of Redis about one key. */
export interface TakeRequest {
  /** Whose lease is meant; empty for a question that changes nothing. */
  readonly node: string
  readonly cost: number
  /** Uses that wait already, to be granted as far as there are any. */
  readonly need: number
  /** Uses that may be wanted soon, to be granted while there are plenty. */
  readonly more: number
  /** How many of the last lease were spent; the others are given back. */
  readonly spent: number
  readonly leaseMs: number
}

/** What Redis has decided. */
export interface TakeReply {
  readonly isAllowed: boolean
  readonly granted: number
  readonly nowMicros: number
  /** Uses that other processes have taken in advance. */
  readonly outstanding: number
  /** What is owed by each policy, in its ticks. */
  readonly debts: readonly number[]
}

export function takeArguments(
  request: TakeRequest,
  policies: readonly RedisArgument[],
): RedisArgument[] {
  const { node, cost, need, more, spent, leaseMs } = request
  return [node, cost, need, more, spent, leaseMs * 1_000, ...policies]
}

/** The part of the arguments that is the same for all keys. */
export function policyArguments(policies: readonly ResolvedPolicy[]): RedisArgument[] {
  return policies.flatMap((policy) => [
    `p${policy.limit}/${policy.windowMs}/${policy.burst}`,
    policy.useTicks,
    policy.capacityTicks,
    policy.readingsPerMicro,
    policy.ticksPerReading,
  ])
}

export function takeReply(reply: RedisReply): TakeReply {
  const [isAllowed, granted = 0, nowMicros = 0, outstanding = 0, ...debts] = reply as number[]
  return { isAllowed: isAllowed === 1, granted, nowMicros, outstanding, debts }
}
