import { expect, test } from 'vitest'
import { createManualClock } from '../core/index.ts'
import { ResultStore } from './result-store.ts'

function storeOf(maxEntries: number): ResultStore {
  const clock = createManualClock()
  return new ResultStore({ maxEntries, maxBytes: undefined, ttlMs: undefined, clock })
}

// What is not pruned stays for as long as the function lives: a leak that no count shows.
test('of a call whose result has left, nothing stays', () => {
  const results = storeOf(10)
  const argumentsOf = (id: number) => [id, { city: `city-${id}`, zone: [id] }]
  for (let id = 0; id < 200; id++) results.keep(results.calls.reach(argumentsOf(id)), id)
  const found = Array.from({ length: 200 }, (_, id) => results.calls.find(argumentsOf(id)))
  expect(found.filter((key) => key !== undefined)).toHaveLength(10)
  results.clear()
  expect(results.calls.find([])).toMatchObject({ child: undefined, children: undefined })
})

test('a run under way keeps the place of its call, and gives it up when it fails', async () => {
  const results = storeOf(10)
  const args = [1, 'a']
  const { promise, reject } = Promise.withResolvers<unknown>()
  results.follow(results.calls.reach(args), promise)
  results.calls.prune(results.calls.reach(args))
  expect(results.calls.find(args)).toBeDefined()
  reject(new Error('not there'))
  await expect(promise).rejects.toThrow('not there')
  expect(results.calls.find(args)).toBeUndefined()
})

test('a run that was forgotten gives up its place at once', () => {
  const results = storeOf(10)
  const args = [1, 'a']
  const key = results.calls.reach(args)
  results.follow(key, new Promise(() => {}))
  expect(results.delete(key)).toBe(true)
  expect(results.calls.find(args)).toBeUndefined()
})

test('a call that is held stays where it is, and its siblings may go', () => {
  const { calls } = storeOf(10)
  const held = calls.reach([1, 'held'])
  calls.hold(held)
  calls.prune(calls.reach([1, 'sibling']))
  calls.prune(held)
  expect(calls.find([1, 'sibling'])).toBeUndefined()
  expect(calls.reach([1, 'held'])).toBe(held)
  calls.release(held)
  expect(calls.find([1, 'held'])).toBeUndefined()
})
