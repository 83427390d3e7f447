import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test, vi } from 'vitest'
import { memoized } from './memoized.ts'

// Node runs no decorators yet, so they are applied here as a compiler's output does it;
// test/integration/memoized.test.ts has one compiled.
class Prices {
  calls = 0

  of(articleId: number): number {
    this.calls++
    return articleId * 2
  }
}
const context = { kind: 'method', name: 'of' } as ClassMethodDecoratorContext
Prices.prototype.of = memoized<Prices['of']>({ maxEntries: 10 })(Prices.prototype.of, context)

class Gross extends Prices {
  override of(articleId: number): number {
    return super.of(articleId) + 1
  }
}

test('every instance remembers for itself', () => {
  const [one, other] = [new Prices(), new Prices()]
  expect([one.of(2), one.of(2), other.of(2)]).toEqual([4, 4, 4])
  expect([one.calls, other.calls]).toEqual([1, 1])
  expect(one.of.name).toBe('of')
})

test('a class that overrides the method still reaches it', () => {
  const gross = new Gross()
  expect([gross.of(2), gross.of(2)]).toEqual([5, 5])
  expect(gross.calls).toBe(1)
})

test('a method without its instance is refused', () => {
  const { of } = new Prices()
  expect(() => of(1)).toThrow(TypeError)
})

test('results go with their instance', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const used = useOne()
  await vi.waitUntil(() => {
    collect()
    return used.deref() === undefined
  })
})

function useOne(): WeakRef<Prices> {
  const prices = new Prices()
  prices.of(1)
  return new WeakRef(prices)
}

test('only methods are decorated', () => {
  const getter = { kind: 'getter', name: 'of' } as unknown as ClassMethodDecoratorContext
  expect(() => memoized()(() => 1, getter)).toThrow('@memoized')
})

test('mistakes in the options are refused where the class is written', () => {
  expect(() => memoized({ maxEntries: -1 })).toThrow('maxEntries')
  expect(() => memoized({ name: 'prices' } as never)).toThrow('name')
})
