export type { Decision } from './decision.ts'
export { createLimiter, type Limiter, type LimiterStats } from './limiter.ts'
export type { LimiterOptions } from './options.ts'
export type { Policy, PolicyInput, ResolvedPolicy } from './policy.ts'
