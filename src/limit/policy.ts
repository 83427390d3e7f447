import { HotpathError, invalid, knownOptions } from '../core/index.ts'

/** A quota: so many uses in so long a time. */
export interface Policy {
  /** Uses that become available again in each window: a whole number from 1 to 1,000,000,000. */
  limit: number
  /** The window in whole milliseconds, from 1 to ten years (315,360,000,000). */
  windowMs: number
  /**
   * How many uses may come at once after a rest. In any time T no more than `burst` + `limit` × T /
   * `windowMs` are let through; with a smaller burst the uses must be spread.
   *
   * @defaultValue `limit`
   */
  burst?: number | undefined
  /**
   * Names the policy in the `RateLimit` headers, in decisions and events.
   *
   * @defaultValue the policy as a text, such as `100/minute`
   */
  name?: string | undefined
}

/**
 * One policy or several that hold at once: `'100/minute'`, `'10/second and 1000/hour'`,
 * `{ limit: 100, windowMs: 60_000, burst: 20 }`, or a list of these. Units are `ms`, `second`,
 * `minute`, `hour`, `day`, `week` and `year` (365 days), also in the plural, with a number before
 * them (`5/30 days`), or short: `s`, `min`, `h`, `d`.
 */
export type PolicyInput = string | Policy | readonly (string | Policy)[]

/**
 * A checked policy, with its arithmetic: time is counted in ticks, of which a use takes a whole
 * number, so that nothing is ever rounded.
 */
export interface ResolvedPolicy {
  readonly name: string
  readonly limit: number
  readonly windowMs: number
  readonly burst: number
  /** What one use takes, in ticks. */
  readonly useTicks: number
  /** What may be owed at most, in ticks: `burst` uses. Below 2^37. */
  readonly capacityTicks: number
  /**
   * The clock's reading is the floor of its microseconds times this; 1 where a microsecond is a
   * whole number of ticks, less where the ticks of a long window are coarser than that.
   */
  readonly readingsPerMicro: number
  /** What is paid off between two readings that differ by one, in ticks. */
  readonly ticksPerReading: number
}

const tenYearsMs = 10 * 365 * 86_400_000
const maxUses = 1_000_000_000
/** Debts are kept in 38 bits, half of which are the distance to the time that they count from. */
const maxCapacityTicks = 2 ** 37

/** @throws HotpathError HOTPATH_LIMIT_POLICY_INVALID, HOTPATH_OPTION_INVALID */
export function resolvePolicies(input: PolicyInput): readonly ResolvedPolicy[] {
  const list: readonly (string | Policy)[] = Array.isArray(input)
    ? input
    : [input as string | Policy]
  const policies = list.flatMap((one) => (typeof one === 'string' ? parsePolicies(one) : [one]))
  if (policies.length === 0) refuse('there is none', input)
  const resolved = policies.map(resolvePolicy)
  const names = new Set(resolved.map(({ name }) => name))
  if (names.size < resolved.length) refuse('two have the same name', input)
  return resolved
}

/** The policy at a part of its rate and burst, at least one use: what one of `parts` nodes may do. */
export function dividedPolicy(policy: ResolvedPolicy, parts: number): ResolvedPolicy {
  const { name, limit, windowMs, burst } = policy
  const share = { name, windowMs, burst: Math.max(1, Math.floor(burst / parts)) }
  if (limit >= parts) return resolvePolicy({ ...share, limit: Math.floor(limit / parts) })
  return resolvePolicy({
    ...share,
    limit: 1,
    windowMs: Math.min(tenYearsMs, Math.ceil((windowMs * parts) / limit)),
  })
}

function resolvePolicy(policy: Policy): ResolvedPolicy {
  knownOptions('a policy', policy, ['limit', 'windowMs', 'burst', 'name'])
  const { limit, windowMs, burst = limit } = policy
  wholeUpTo('limit', limit, maxUses)
  wholeUpTo('windowMs', windowMs, tenYearsMs)
  wholeUpTo('burst', burst, maxUses)
  if (limit / windowMs > 1_000) {
    refuse('more than a million uses a second cannot be told apart', policy)
  }
  const name = policy.name ?? policyText(limit, windowMs)
  // It is a string of a structured field (RFC 9651, 3.3.3) in the headers.
  if (typeof name !== 'string' || !/^[ !#-[\]-~]+$/.test(name)) {
    invalid('name', 'a non-empty text of ASCII characters but " and \\', name)
  }
  return { name, limit, windowMs, burst, ...ticksOf(limit, windowMs, burst) }
}

// A use takes windowMicros / limit microseconds. Both are divided by what they have in common, and a
// tick is one part of a microsecond; where that many ticks would not fit, a use is cut into as many
// as do, and the clock is read no more exactly than that.
function ticksOf(limit: number, windowMs: number, burst: number) {
  const windowMicros = windowMs * 1_000
  const common = greatestCommonDivisor(limit, windowMicros)
  const exactUseTicks = windowMicros / common
  if (exactUseTicks * burst < maxCapacityTicks) {
    return {
      useTicks: exactUseTicks,
      capacityTicks: exactUseTicks * burst,
      readingsPerMicro: 1,
      ticksPerReading: limit / common,
    }
  }
  const useTicks = Math.max(
    1,
    Math.floor(Math.min((maxCapacityTicks - 1) / burst, windowMicros / limit)),
  )
  return {
    useTicks,
    capacityTicks: useTicks * burst,
    readingsPerMicro: (useTicks * limit) / windowMicros,
    ticksPerReading: 1,
  }
}

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  millisecond: 1,
  s: 1_000,
  sec: 1_000,
  second: 1_000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  week: 7 * 86_400_000,
  year: 365 * 86_400_000,
}

function parsePolicies(text: string): Policy[] {
  return text.split(/\s*,\s*|\s+and\s+/).map((part) => {
    const match = /^\s*([\d_]+)\s*\/\s*([\d_]*)\s*([a-z]+)\s*$/i.exec(part)
    const [, limit = '', count = '', unit = ''] = match ?? []
    const lower = unit.toLowerCase()
    const ms = unitMs[lower] ?? unitMs[lower.replace(/s$/, '')]
    if (match === null || ms === undefined) {
      return refuse(`${JSON.stringify(part)} is none`, text)
    }
    return { limit: wholeFrom(limit), windowMs: (count === '' ? 1 : wholeFrom(count)) * ms }
  })
}

/** A policy as it is written: the window in its largest whole unit. */
function policyText(limit: number, windowMs: number): string {
  for (const unit of ['year', 'week', 'day', 'hour', 'minute', 'second', 'ms']) {
    const count = windowMs / (unitMs[unit] ?? 1)
    if (!Number.isInteger(count)) continue
    return count === 1 ? `${limit}/${unit}` : `${limit}/${count} ${unit}${unit === 'ms' ? '' : 's'}`
  }
  return `${limit}/${windowMs} ms`
}

function wholeFrom(digits: string): number {
  return Number(digits.replaceAll('_', ''))
}

function wholeUpTo(name: string, value: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < 1 || value > most) {
    invalid(name, `a whole number from 1 to ${most}`, value)
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}

function refuse(why: string, input: unknown): never {
  throw new HotpathError(
    'HOTPATH_LIMIT_POLICY_INVALID',
    `${JSON.stringify(input)} is no rate limit policy: ${why}; write '100/minute', ` +
      "'10/second and 1000/hour', or { limit: 100, windowMs: 60_000, burst: 20 }",
  )
}
