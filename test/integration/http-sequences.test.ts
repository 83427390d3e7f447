import { expect, test } from 'vitest'
import { runSequence } from '../../bench/soaks/http-sequences/sequence.ts'

// A reduced run of `npm run soak -- http-sequences`.
test('no request is ever answered with what was made for somebody else', async () => {
  const counts = { requests: 0, stored: 0 }
  for (let seed = 1; seed <= 4_000; seed++) await runSequence(seed, counts)
  expect(counts.stored / counts.requests).toBeGreaterThan(0.15)
}, 60_000)
