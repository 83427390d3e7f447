import { expect, test } from 'vitest'
import { createLimiter, type Decision } from '../limit/index.ts'
import { LimitHeaders } from './limit-headers.ts'

const { policies: slow } = createLimiter('10/minute')
const { policies: fast } = createLimiter('5/second')
const told = new LimitHeaders({ isStandard: true, isLegacy: false })

// In this order: what was kept of one must not be told with another.
test.each([
  [slow, '10/minute', 9, 6_000, '"10/minute";q=10;w=60', '"10/minute";r=9;t=6'],
  [slow, '10/minute', 9, 5_001, '"10/minute";q=10;w=60', '"10/minute";r=9;t=6'],
  [slow, '10/minute', 8, 6_000, '"10/minute";q=10;w=60', '"10/minute";r=8;t=6'],
  [slow, '10/minute', 8, 12_000, '"10/minute";q=10;w=60', '"10/minute";r=8;t=12'],
  [fast, '5/second', 8, 12_000, '"5/second";q=5;w=1', '"5/second";r=8;t=12'],
  [slow, '10/minute', 8, 12_000, '"10/minute";q=10;w=60', '"10/minute";r=8;t=12'],
  [slow, '10/minute', 0, 0, '"10/minute";q=10;w=60', '"10/minute";r=0;t=0'],
] as const)('%# tells what holds now', (policies, policy, remaining, resetMs, all, item) => {
  const decision: Decision = {
    isAllowed: true,
    policy,
    limit: 10,
    remaining,
    retryAfterMs: 0,
    resetMs,
  }
  expect(told.of(decision, policies)).toEqual(['ratelimit-policy', all, 'ratelimit', item])
})
