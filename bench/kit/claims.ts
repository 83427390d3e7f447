import type { ClaimRule, Figures } from './bench.ts'

/** A claim and what the run made of it, as the last line has it. */
export interface Claim {
  readonly claim: string
  readonly value: number
  readonly bar: number
  readonly holds: boolean
}

export function judge(rule: ClaimRule, figures: Figures): Claim | undefined {
  const value = rule.value(figures)
  if (value === undefined) return undefined
  return 'atLeast' in rule
    ? { claim: rule.claim, value, bar: rule.atLeast, holds: value >= rule.atLeast }
    : { claim: rule.claim, value, bar: rule.atMost, holds: value <= rule.atMost }
}
