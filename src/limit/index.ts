export type { Decision } from './decision.ts'
export type { Policy, PolicyInput } from './policy.ts'
