import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Ring } from './ring.ts'

test('gives what was set in the order of the places, however far apart they are', () => {
  const steps = fc.array(fc.oneof(fc.nat(100), fc.constant('shift' as const)), { maxLength: 300 })
  fc.assert(
    fc.property(steps, (taken) => {
      const ring = new Ring<string>()
      const oracle = new Map<number, string>()
      let first = 0
      for (const step of taken) {
        if (step === 'shift') {
          if (!oracle.has(first)) continue
          ring.shift()
          oracle.delete(first++)
        } else if (!oracle.has(first + step)) {
          ring.set(first + step, `${first + step}`)
          oracle.set(first + step, `${first + step}`)
        }
        expect([ring.first, ring.size]).toEqual([oracle.get(first), oracle.size])
      }
      ring.clear()
      expect([ring.first, ring.size]).toEqual([undefined, 0])
    }),
  )
})
