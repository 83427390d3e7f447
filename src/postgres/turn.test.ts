import { setImmediate as turnEnds } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Connection } from './connection.ts'
import { Turn } from './turn.ts'

function connection({ inFlight = 1, takesReads = true, isProven = true } = {}) {
  const looks = { inFlight, takesReads, isProven: () => isProven }
  return looks as unknown as Connection & { inFlight: number }
}

test('reads of one turn go to one connection, up to four, while the loop is busy', async () => {
  const turn = new Turn(32, () => 0.9)
  const first = connection()
  expect(turn.connection(0)).toBeUndefined()
  turn.sent(first, 0)
  expect(turn.connection(0)).toBe(first)
  first.inFlight = 4
  expect(turn.connection(0)).toBeUndefined()

  const second = connection()
  turn.sent(second, 0)
  expect(turn.connection(0)).toBe(second)
  await turnEnds()
  expect(turn.connection(1)).toBeUndefined()
})

test('no more than may be pipelined', () => {
  const turn = new Turn(2, () => 0.9)
  turn.sent(connection({ inFlight: 2 }), 0)
  expect(turn.connection(0)).toBeUndefined()
  turn.sent(connection(), 0)
  expect(turn.connection(0)).toBeDefined()
})

test('each has its own while the loop is not', () => {
  const turn = new Turn(32, () => 0.5)
  turn.sent(connection(), 0)
  expect(turn.connection(0)).toBeUndefined()
})

test('whether it is busy is found out again after a while', async () => {
  const shares = [0.9, 0.1, 0.9]
  const turn = new Turn(32, () => shares.shift() ?? 0)
  const seen: boolean[] = []
  for (const nowMs of [0, 49, 50, 99, 100]) {
    turn.sent(connection(), nowMs)
    seen.push(turn.connection(nowMs) !== undefined)
    await turnEnds()
  }
  expect(seen).toEqual([true, true, false, false, true])
})

test('not one that takes no reads, or has to be checked first', () => {
  const turn = new Turn(32, () => 0.9)
  turn.sent(connection({ takesReads: false }), 0)
  expect(turn.connection(0)).toBeUndefined()
  turn.sent(connection({ isProven: false }), 0)
  expect(turn.connection(0)).toBeUndefined()
})
