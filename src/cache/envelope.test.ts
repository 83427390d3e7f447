import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeEnvelope, encodeEnvelope, encodeTombstone } from './envelope.ts'
import { newTagRecord, tagState } from './tag-version.ts'
import { decodeValue, encodeValue } from './value-codec.ts'

const envelope = (value: unknown, tags: string[] = ['user:1', 'größe']) => ({
  value: encodeValue(value),
  isMissing: value === undefined,
  loadedEpochMs: 1_700_000_000_000.25,
  expiresEpochMs: 1_700_000_060_000,
  staleMs: 1_000.5,
  staleIfErrorMs: 86_400_000,
  loadMs: 12.25,
  tags: tags.map((name) => ({ name, version: tagState(newTagRecord()).version })),
})

test('what goes in comes out', () => {
  const before = envelope({ id: 1 })
  expect(decodeEnvelope(encodeEnvelope(before))).toEqual(before)
})

test('any plain value survives', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.anything({ withDate: true, withMap: true, withSet: true, withBigInt: true }),
      fc.array(fc.string({ minLength: 1, maxLength: 30 }), { maxLength: 5 }),
      async (value, tags) => {
        const decoded = decodeEnvelope(encodeEnvelope(envelope(value, tags)))
        expect(decoded).toBeDefined()
        if (decoded !== undefined)
          expect(await decodeValue(decoded.value)).toEqual(structuredClone(value))
      },
    ),
  )
})

test('what JSON keeps exactly travels as JSON, and only that', async () => {
  expect(encodeValue({ a: [1, 'two', null, true] }).isJson).toBe(true)
  const notJson = [
    undefined,
    NaN,
    -0,
    new Date(0),
    1n,
    Buffer.from('x'),
    new Map(),
    { a: undefined },
  ]
  for (const value of notJson) expect(encodeValue(value).isJson).toBe(false)
  expect(await decodeValue(encodeValue({ at: new Date(5) }))).toEqual({ at: new Date(5) })
  expect(await decodeValue(encodeValue(Buffer.from('bytes')))).toEqual(Buffer.from('bytes'))
})

test('a cycle survives, and so does depth', async () => {
  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  const decoded = (await decodeValue(encodeValue(cycle))) as { self: unknown }
  expect(decoded.self).toBe(decoded)
})

test('what cannot be sent is refused by name', () => {
  for (const value of [() => 1, Symbol('s'), Promise.resolve(), { call: () => 1 }]) {
    expect(() => encodeValue(value)).toThrow(
      expect.objectContaining({ code: 'HOTPATH_CACHE_VALUE_INVALID' }),
    )
  }
})

test('bytes that are broken or not ours are no value, wherever they are broken', () => {
  const bytes = encodeEnvelope(envelope({ id: 1, name: 'Ada' }))
  for (let at = 0; at < bytes.length; at++) {
    const broken = Buffer.from(bytes)
    broken[at] = (broken[at] ?? 0) ^ 0x41
    expect(decodeEnvelope(broken)).toBeUndefined()
    expect(decodeEnvelope(bytes.subarray(0, at))).toBeUndefined()
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (foreign) => {
      expect(decodeEnvelope(Buffer.from(foreign))).toBeUndefined()
    }),
  )
})

test('a tombstone is no value, and each one is different', () => {
  expect(decodeEnvelope(encodeTombstone())).toBeUndefined()
  expect(encodeTombstone()).not.toEqual(encodeTombstone())
})
