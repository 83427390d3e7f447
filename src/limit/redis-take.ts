import {
  redisScript,
  type RedisArgument,
  type RedisReply,
  type RedisScript,
} from '../core/index.ts'
import type { ResolvedPolicy } from './policy.ts'

// One question after the other; each key of Redis is one key of the limiter: a hash of what is owed by each policy, as
// reading and debt, and of the uses that processes have taken in advance, as uses and until when. Those are
// neither spent nor free: they count against the burst, and nothing of them is paid off, until their
// process says how many it has spent, or their time is over, and then all of them are. From that
// moment on they are an ordinary debt. So the sum of both never exceeds the burst, and no window of
// time, wherever it begins, can see more than the burst and what was paid off meanwhile.
//
// Microseconds since 2025, by the clock of Redis: whole numbers that a double holds exactly. Where
// that clock goes back, after a fail-over, nothing is paid off until it has caught up with its own
// new readings.
//
// The policies stand in the text as they are, and what is zero in a question is left out of it: most
// of the time of a script goes into reading its arguments. Debts are kept as packed doubles for the
// same reason. A global function is looked up by name each time.
const opening = `
local time = redis.call('TIME')
local now = (time[1] - 1735689600) * 1000000 + time[2]
local node = ARGV[1]
local replies = {}
for question, key in ipairs(KEYS) do
local cost, need, more, spent = tonumber(ARGV[question + 1]), 0, 0, 0
if not cost then
  cost, need, more, spent = string.match(ARGV[question + 1], '^(%d+) (%d+) (%d+) (%d+)$')
  cost, need, more, spent = cost + 0, need + 0, more + 0, spent + 0
end

local fields = redis.call('HGETALL', key)
local charged, outstanding, leases, gone = 0, 0, 0, nil
for at = 1, #fields, 2 do
  local name = fields[at]
  if string.byte(name) == 108 then
    local uses, untilMicros = struct.unpack('>dd', fields[at + 1])
    local isOver = untilMicros <= now
    if isOver or name == 'l' .. node then
      charged = charged + (isOver and uses or math.min(spent, uses))
      gone = gone or {}
      gone[#gone + 1] = name
    else
      outstanding = outstanding + uses
      leases = leases + 1
    end
  end
end

local allowed, spare = 1, math.huge
local ttlMs = 0
`

/** What is owed by one policy; its variables have its number. */
function owed({ field, policy, n }: NumberedPolicy): string {
  const { useTicks, capacityTicks, readingsPerMicro, ticksPerReading } = policy
  return `
local reading${n} = ${readingsPerMicro === 1 ? 'now' : `math.floor(now * ${readingsPerMicro})`}
local debt${n} = charged * ${useTicks}
for at = 1, #fields, 2 do
  if fields[at] == '${field}' then
    local was, owes = struct.unpack('>dd', fields[at + 1])
    if reading${n} > was then owes = owes - (reading${n} - was) * ${ticksPerReading} end
    if owes > 0 then debt${n} = debt${n} + owes end
  end
end
if debt${n} + (outstanding + cost) * ${useTicks} > ${capacityTicks} then allowed = 0 end
spare = math.min(spare, math.floor((${capacityTicks} - debt${n}) / ${useTicks}) - outstanding - cost)
`
}

const grant = `
local granted = 0
if allowed == 1 and need + more > 0 then
  local needed = math.min(need, spare)
  local share = math.floor((spare - needed) / (4 * (leases + 1)))
  -- A few are not worth a lease, which others would have to wait for.
  if share < 4 then share = 0 end
  granted = needed + math.min(more, share)
end
if gone and node ~= '' then redis.call('HDEL', key, unpack(gone)) end
`

// Redis refuses a time of more than 63 bits.
function paidOff({ policy, n }: NumberedPolicy): string {
  const { useTicks, readingsPerMicro, ticksPerReading } = policy
  const ticksPerMs = readingsPerMicro * ticksPerReading * 1_000
  return `
  if allowed == 1 then debt${n} = debt${n} + cost * ${useTicks} end
  local ms${n} = (debt${n} + (outstanding + granted) * ${useTicks}) / ${ticksPerMs}
  ttlMs = math.max(ttlMs, math.min(1e15, ms${n}))
`
}

/**
 * Settles what a process has taken in advance, decides about a use, and gives out more in advance,
 * for so long.
 */
export function takeScript(policies: readonly ResolvedPolicy[], leaseMs: number): RedisScript {
  const numbered = policies.map((policy, at) => ({
    policy,
    n: at + 1,
    field: `p${policy.limit}/${policy.windowMs}/${policy.burst}`,
  }))
  const reply = numbered.map(({ n }) => `, debt${n}`).join('')
  const values = numbered.map(
    ({ field, n }) => `, '${field}', struct.pack('>dd', reading${n}, debt${n})`,
  )
  return redisScript(`${opening}${numbered.map(owed).join('')}
${grant}
if node ~= '' and (allowed == 1 or charged > 0) then
${numbered.map(paidOff).join('')}
  redis.call('HSET', key${values.join('')})
  if granted > 0 then
    redis.call('HSET', key, 'l' .. node, struct.pack('>dd', granted, now + ${leaseMs * 1_000}))
  end
  redis.call('PEXPIRE', key, math.ceil(ttlMs) + ${Math.ceil(leaseMs) + 1_000})
end
replies[question] = { allowed, granted, now, outstanding${reply} }
end
return replies
`)
}

interface NumberedPolicy {
  readonly policy: ResolvedPolicy
  readonly n: number
  /** Of the hash. */
  readonly field: string
}

/** What a process asks of Redis about one key. */
export interface TakeRequest {
  readonly cost: number
  /** Uses that wait already, to be granted as far as there are any. */
  readonly need: number
  /** Uses that may be wanted soon, to be granted while there are plenty. */
  readonly more: number
  /** How many of the last lease were spent; the others are given back. */
  readonly spent: number
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

/** The same node for all of them: it is empty where nothing is to be changed. */
export function takeArguments(node: string, requests: readonly TakeRequest[]): RedisArgument[] {
  return [
    node,
    ...requests.map(({ cost, need, more, spent }) =>
      need + more + spent === 0 ? String(cost) : `${cost} ${need} ${more} ${spent}`,
    ),
  ]
}

export function takeReplies(reply: RedisReply): TakeReply[] {
  return (reply as number[][]).map(
    ([isAllowed, granted = 0, nowMicros = 0, outstanding = 0, ...debts]) => ({
      isAllowed: isAllowed === 1,
      granted,
      nowMicros,
      outstanding,
      debts,
    }),
  )
}
