import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Aborts, type Stoppable } from './aborts.ts'

test('an abort stops what was added and not taken off, each once', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 100 }), (steps) => {
      const aborts = new Aborts()
      const stopped: number[] = []
      const all = Array.from({ length: 21 }, (_, name): Stoppable => {
        return { abortPlace: -1, abort: () => stopped.push(name) }
      })
      const added = new Set<number>()
      // The same one again takes it off.
      for (const name of steps) {
        const stop = all[name] as Stoppable
        if (added.delete(name)) aborts.delete(stop)
        else {
          added.add(name)
          aborts.add(stop)
        }
      }
      aborts.abort('enough')
      for (const stop of all) aborts.delete(stop)
      expect(stopped.toSorted((a, b) => a - b)).toEqual([...added].toSorted((a, b) => a - b))
      expect(() => aborts.throwIfAborted()).toThrow('aborted')
    }),
  )
})
