import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toJson } from './json.ts'

const subject = {
  code: 'HOTPATH_TASKS_INPUT_INVALID',
  what: 'the input',
  maxBytes: 1_000,
  limitName: 'maxInputBytes',
} as const

describe('toJson', () => {
  test('is JSON.stringify for what JSON can say', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const json = JSON.stringify(value)
        expect(toJson(value, { ...subject, maxBytes: 1_000_000 })).toBe(json)
      }),
    )
  })

  test('leaves out undefined, takes what has a toJSON, and writes nothing as null', () => {
    const at = new Date(0)
    expect(toJson({ a: undefined, at }, subject)).toBe('{"at":"1970-01-01T00:00:00.000Z"}')
    expect(toJson(undefined, subject)).toBe('null')
  })

  const cycle: Record<string, unknown> = {}
  cycle['list'] = [cycle]

  test.each([
    [{ user: { age: 1n } }, 'user.age is a bigint'],
    [() => {}, 'it is a function'],
    [[Symbol.iterator], '0 is a symbol'],
    [{ ratio: Number.NaN }, 'ratio is NaN'],
    [{ index: new Map() }, 'index is a Map'],
    [{ bytes: new Uint8Array(1) }, 'bytes is a Uint8Array'],
    [{ row: Promise.resolve(1) }, 'row is a Promise'],
    [{ failure: new Error('no') }, 'failure is a Error'],
    [{ big: { toJSON: () => 1n } }, 'TypeError: Do not know how to serialize a BigInt'],
    [cycle, 'list.0 leads back to an object that holds it'],
  ])('refuses value %#, and says where', (value, reason) => {
    expect(() => toJson(value, subject)).toThrow(`the input cannot be written as JSON: ${reason}`)
  })

  test('counts bytes, not characters', () => {
    expect(toJson('ü'.repeat(499), subject)).toHaveLength(501)
    expect(() => toJson('ü'.repeat(500), subject)).toThrow('takes 1002 bytes')
  })

  test('an object that stands in two places is no cycle', () => {
    const shared = { n: 1 }
    expect(toJson([shared, shared], subject)).toBe('[{"n":1},{"n":1}]')
  })
})
