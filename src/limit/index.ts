export type { Decision } from './decision.ts'
export { createLimiter, type Limiter, type LimiterStats } from './limiter.ts'
export type { LimiterOptions, RedisLimiterOptions } from './options.ts'
export type { SharedLimiter, SharedLimiterStats } from './redis-limiter.ts'
export type { Policy, PolicyInput, ResolvedPolicy } from './policy.ts'
export {
  createShedder,
  type Outcome,
  type Permit,
  type Refusal,
  type Shedder,
  type ShedderStats,
} from './shedder.ts'
export type { Priority, ShedderOptions } from './shedder-options.ts'
