import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BoundedEntry, createBoundedStore } from './index.ts'

class Entry extends BoundedEntry {
  readonly value: number

  constructor(key: string, value: number, bytes = 1) {
    super(key, bytes)
    this.value = value
  }
}

describe('createBoundedStore', () => {
  test('keeps its bounds and never answers wrongly, whatever is done to it', () => {
    const key = fc.integer({ min: 0, max: 40 }).map((number) => `key-${number}`)
    const operation = fc.oneof(
      { weight: 40, arbitrary: fc.record({ do: fc.constant('get' as const), key }) },
      {
        weight: 40,
        arbitrary: fc.record({
          do: fc.constant('set' as const),
          key,
          bytes: fc.integer({ min: 0, max: 30 }),
        }),
      },
      { weight: 10, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const) }) },
    )
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.option(fc.integer({ min: 1, max: 200 }), { nil: undefined }),
        fc.array(operation, { maxLength: 400 }),
        (maxEntries, maxBytes, operations) => {
          const held = new Set<Entry>()
          const store = createBoundedStore<Entry>({
            maxEntries,
            maxBytes,
            // False for an entry that leaves twice.
            onLeave: (entry) => expect(held.delete(entry)).toBe(true),
          })
          const oracle = new Map<string, Entry>()

          for (const [step, operation] of operations.entries()) {
            if (operation.do === 'get') {
              const found = store.get(operation.key)
              if (found !== undefined) expect(found).toBe(oracle.get(operation.key))
            } else if (operation.do === 'set') {
              const entry = new Entry(operation.key, step, operation.bytes)
              const fits = operation.bytes <= (maxBytes ?? Infinity)
              if (fits) held.add(entry)
              expect(store.set(entry)).toBe(fits)
              oracle.set(operation.key, entry)
            } else if (operation.do === 'delete') {
              store.delete(operation.key)
              oracle.delete(operation.key)
              expect(store.get(operation.key)).toBeUndefined()
            } else {
              store.clear()
              oracle.clear()
            }
            expect(store.size).toBeLessThanOrEqual(maxEntries)
            expect(store.bytes).toBeLessThanOrEqual(maxBytes ?? Infinity)
            expect(store.size).toBe(held.size)
            const heldBytes = [...held].reduce((sum, { bytes }) => sum + bytes, 0)
            expect(store.bytes).toBe(maxBytes === undefined ? 0 : heldBytes)
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  test('counts what had to make room, and nothing else', () => {
    const store = createBoundedStore<Entry>({ maxEntries: 2 })
    store.set(new Entry('a', 1))
    store.set(new Entry('a', 2))
    store.delete('a')
    store.set(new Entry('b', 3))
    store.set(new Entry('c', 4))
    expect(store.evictions).toBe(0)
    store.set(new Entry('d', 5))
    expect(store.evictions).toBe(1)
  })

  test('a scan of keys read once leaves the working set where it is', () => {
    const store = createBoundedStore<Entry>({ maxEntries: 100 })
    const working = Array.from({ length: 50 }, (_, number) => `hot-${number}`)
    for (let round = 0; round < 4; round++) {
      for (const key of working) if (store.get(key) === undefined) store.set(new Entry(key, round))
    }
    for (let number = 0; number < 10_000; number++) store.set(new Entry(`cold-${number}`, number))
    expect(working.filter((key) => store.get(key) !== undefined)).toEqual(working)
  })

  test('a key that left too early comes back to stay', () => {
    const store = createBoundedStore<Entry>({ maxEntries: 10 })
    store.set(new Entry('returning', 1))
    for (let number = 0; number < 10; number++) store.set(new Entry(`filler-${number}`, number))
    expect(store.get('returning')).toBeUndefined()
    store.set(new Entry('returning', 2))
    for (let number = 0; number < 50; number++) store.set(new Entry(`passing-${number}`, number))
    expect(store.get('returning')?.value).toBe(2)
  })

  test('an entry larger than the bound is refused and takes its former value with it', () => {
    const store = createBoundedStore<Entry>({ maxEntries: 10, maxBytes: 100 })
    store.set(new Entry('page', 1, 50))
    expect(store.set(new Entry('page', 2, 101))).toBe(false)
    expect(store.get('page')).toBeUndefined()
    expect(store.bytes).toBe(0)
  })
})

test('an entry that grows makes others leave, itself where it is alone too large', () => {
  const left: unknown[] = []
  const store = createBoundedStore<Entry>({
    maxEntries: 10,
    maxBytes: 100,
    onLeave: ({ key }) => left.push(key),
  })
  for (const key of ['a', 'b', 'c']) store.set(new Entry(key, 0, 30))
  store.resize('c', 60)
  expect({ bytes: store.bytes, left }).toEqual({ bytes: 90, left: ['a'] })
  store.resize('c', 20)
  store.resize('none', 20)
  expect(store.bytes).toBe(50)
  store.resize('c', 101)
  expect({ bytes: store.bytes, left }).toEqual({ bytes: 30, left: ['a', 'c'] })
})
