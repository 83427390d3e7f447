import { expect, test } from 'vitest'
import { HeadOfLine } from './head-of-line.ts'
import { Pulse } from './pulse.ts'
import { RoundTrip } from './round-trip.ts'

function line() {
  const roundTrip = new RoundTrip()
  const learnt: [ms: number, isItsOwn: boolean][] = []
  const habit = { learn: (ms: number, isItsOwn: boolean) => void learnt.push([ms, isItsOwn]) }
  const flight = (sentAtMs: number) => ({ sentAtMs, statement: { habit } })
  return { head: new HeadOfLine(roundTrip, new Pulse()), roundTrip, learnt, flight }
}

test('the way to the server is measured by what was sent to an idle connection', () => {
  const { head, roundTrip, learnt, flight } = line()
  head.begin(10)
  head.learn(flight(10), 12)
  expect(roundTrip.usualMs).toBe(2)
  head.begin(20)
  head.learn(flight(20), 23)
  expect(learnt[0]).toEqual([0, true])
  expect(learnt[1]?.[0]).toBeCloseTo(1, 2)
})

test('what waited behind others counts from when it was the first', () => {
  const { head, roundTrip, learnt, flight } = line()
  head.begin(10)
  head.learn(flight(10), 11)
  head.begin(11)
  head.learn(flight(10), 15)
  expect(learnt[1]).toEqual([4, true])
  expect(roundTrip.usualMs).toBe(1)
})

test('a stall while nobody is answered is not its own', () => {
  const { head, learnt, flight } = line()
  head.begin(0)
  head.learn(flight(0), 500)
  expect(learnt.at(-1)?.[1]).toBe(false)
})
