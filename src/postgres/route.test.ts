import { expect, test } from 'vitest'
import type { Connection } from './connection.ts'
import { reserve, routeAlone, routeRead } from './route.ts'

function connection(state: Partial<Connection>): Connection {
  const inFlight = state.inFlight ?? 0
  return {
    inFlight,
    headSinceMs: 100,
    isUsable: true,
    isReserved: false,
    isIdle: inFlight === 0,
    takesReads: true,
    isProven: () => true,
    ...state,
  } as Connection
}

test('a read goes to an idle connection, else to the least busy', () => {
  const [busy, idle, two] = [
    connection({ inFlight: 1 }),
    connection({}),
    connection({ inFlight: 2 }),
  ] as const
  expect(routeRead([busy, idle, two], 32, 100, 0)).toBe(idle)
  expect(routeRead([two, busy], 32, 100, 0)).toBe(busy)
})

test('a read waits rather than going behind a slow query, or past the limit', () => {
  const slow = connection({ inFlight: 1, headSinceMs: 90 })
  const full = connection({ inFlight: 32 })
  const lent = connection({ takesReads: false })
  expect(routeRead([slow, full, lent], 32, 100, 0)).toBeUndefined()
  expect(routeRead([connection({ inFlight: 1 })], 1, 100, 0)).toBeUndefined()
})

test('while most backends are slow, the quick ones are given nothing before they are idle', () => {
  const slow = () => connection({ inFlight: 1, headSinceMs: 90 })
  const quick = connection({ inFlight: 1 })
  const idle = connection({})
  expect(routeRead([slow(), quick], 32, 100, 0)).toBe(quick)
  expect(routeRead([slow(), slow(), quick], 32, 100, 0)).toBeUndefined()
  expect(routeRead([slow(), slow(), quick, idle], 32, 100, 0)).toBe(idle)
})

test('one that has to be checked first gets nothing', () => {
  const old = connection({ isProven: () => false })
  const fresh = connection({ inFlight: 3 })
  expect(routeRead([old, fresh], 32, 100, 0)).toBe(fresh)
  expect(routeAlone([old], 100)).toBeUndefined()
})

test('what travels alone needs an idle connection', () => {
  const idle = connection({})
  expect(routeAlone([connection({ inFlight: 1 }), idle], 100)).toBe(idle)
  expect(routeAlone([connection({ inFlight: 1 })], 100)).toBeUndefined()
})

test('as many are reserved as wait to be alone, the least busy first, and given back', () => {
  const connections = [3, 1, 2].map((inFlight) => connection({ inFlight }))
  const reserved = () => connections.map(({ isReserved }) => isReserved)
  reserve(connections, 1)
  expect(reserved()).toEqual([false, true, false])
  reserve(connections, 2)
  expect(reserved()).toEqual([false, true, true])
  reserve(connections, 0)
  expect(reserved()).toEqual([false, false, false])
})

test('one that was reserved and is lent now does not come back reserved', () => {
  const usable = connection({ isReserved: true })
  const lent = connection({ isReserved: true, isUsable: false })
  reserve([usable, lent], 0)
  expect([usable.isReserved, lent.isReserved]).toEqual([false, false])
})
