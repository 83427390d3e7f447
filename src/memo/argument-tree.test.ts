import { expect, test } from 'vitest'
import { ArgumentTree } from './argument-tree.ts'

const calls = new ArgumentTree()
const keyOf = (args: readonly unknown[]) => calls.reach(args)

const circular: { self?: unknown } = {}
circular.self = circular

// Every one of them is a call of its own.
const different: unknown[][] = [
  [],
  [undefined],
  [null],
  [undefined, undefined],
  [1],
  ['1'],
  [1n],
  [true],
  ['true'],
  ['t'],
  [0],
  [-0],
  ['-0'],
  ['\0-0'],
  [Number.NaN],
  ['NaN'],
  [''],
  ['\0'],
  ['\0('],
  ['\0u'],
  [['a', 'b']],
  ['a', 'b'],
  ['ab'],
  ['a,b'],
  ['a"1:b'],
  [['a'], 'b'],
  [[['a', 'b']]],
  [[]],
  [{}],
  [[undefined]],
  [{ a: undefined }],
  [{ a: 1 }],
  [{ a: '1' }],
  [{ a: { b: 1 } }],
  [{ 'a"': 1 }],
  [{ a: 1, b: 2 }],
  [new Date(0)],
  [new Date(Number.NaN)],
  [new Map([['a', 1]])],
  [new Map([['a', '1']])],
  [new Set(['a', 1])],
  [new Set(['a'])],
  [Buffer.from('a')],
  [Buffer.from('b')],
  [new Uint8Array(0)],
]

test('calls that differ have keys that differ', () => {
  const keys = new Set(different.map(keyOf))
  expect(keys.size).toBe(different.length)
})

test('calls that are alike have equal keys', () => {
  expect(keyOf([{ a: 1, b: [2, { c: 3, d: 4 }] }])).toBe(keyOf([{ b: [2, { d: 4, c: 3 }], a: 1 }]))
  expect(keyOf([new Date(5), new Map([[1, new Set([2])]])])).toBe(
    keyOf([new Date(5), new Map([[1, new Set([2])]])]),
  )
  expect(keyOf([Object.assign(Object.create(null), { a: 1 })])).toBe(keyOf([{ a: 1 }]))
  expect(keyOf([Buffer.from([1, 200])])).toBe(keyOf([Uint8Array.of(1, 200)]))
})

test.each([
  ['a function', () => 1],
  ['a symbol', Symbol('s')],
  ['an instance of a class', new URL('http://localhost/')],
  ['a promise', Promise.resolve()],
  ['an object that contains itself', circular],
  ['an object with symbols for names', { [Symbol('s')]: 1 }],
])('%s has no key, wherever it is', (_what, value) => {
  for (const args of [[value], [1, value], [[value]], [{ a: value }], [new Map([[1, value]])]]) {
    expect(() => keyOf(args)).toThrow(expect.objectContaining({ code: 'HOTPATH_MEMO_KEY_INVALID' }))
  }
})

test('random nested arguments have equal keys exactly when they are equal', () => {
  let seed = 7
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((seed / 2_147_483_648) * below)
  }
  const leaves = ['', 'a', '1', '1,', '"1:a', '}', ']', 0, 1, -1, 1n, null, undefined, true]
  const make = (depth: number): unknown => {
    const kind = depth === 0 ? 0 : random(3)
    if (kind === 0) return leaves[random(leaves.length)]
    const items = Array.from({ length: random(3) }, () => make(depth - 1))
    return kind === 1 ? items : Object.fromEntries(items.map((item, at) => [`${at}`, item]))
  }
  // Written another way, and told apart by that.
  const write = (value: unknown): string => {
    if (Array.isArray(value)) return `A(${value.map(write).join(';')})`
    if (typeof value === 'object' && value !== null) {
      return `O(${Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}=${write(v)}`)})`
    }
    return typeof value === 'bigint' ? `${value}n` : `${typeof value} ${JSON.stringify(value)}`
  }
  const byWriting = new Map<string, unknown>()
  const byKey = new Map<unknown, string>()
  for (let round = 0; round < 20_000; round++) {
    const args = Array.from({ length: random(3) }, () => make(3))
    const written = write(args)
    const key = keyOf(args)
    expect(byWriting.get(written) ?? key).toBe(key)
    expect(byKey.get(key) ?? written).toBe(written)
    byWriting.set(written, key)
    byKey.set(key, written)
  }
})
