import { describe, expect, test } from 'vitest'
import { compressValue, decodeValue, encodeValue, type EncodedValue } from './value-codec.ts'

const rows = (count: number) =>
  Array.from({ length: count }, (_, id) => ({ id, name: `user ${id}`, at: new Date(id) }))

describe('compression', () => {
  test.each([
    ['small', 20],
    ['larger than the event loop is held for', 5_000],
  ])('a %s value comes back as it was, in less space', async (_, count) => {
    const value = rows(count)
    const encoded = encodeValue(value)
    const compressed = await compressValue(encoded, 100)
    expect(compressed.isCompressed).toBe(true)
    expect(compressed.bytes.length).toBeLessThan(encoded.bytes.length / 2)
    expect(await decodeValue(compressed)).toEqual(value)
  })

  test('what is below the limit, does not get smaller, or is not asked for stays as it is', async () => {
    const value = encodeValue('x'.repeat(200))
    expect(await compressValue(value, 300)).toBe(value)
    expect(await compressValue(value, false)).toBe(value)
    const noise = encodeValue(crypto.getRandomValues(Buffer.alloc(1_000)))
    expect(await compressValue(noise, 10)).toBe(noise)
  })

  test('bytes that become more than they say, or than is allowed, are refused', async () => {
    const { bytes, ...form } = await compressValue(encodeValue('x'.repeat(200_000)), 10)
    const saying = (length: number): EncodedValue => {
      const lying = Buffer.from(bytes)
      lying.writeUInt32BE(length)
      return { ...form, bytes: lying }
    }
    await expect(decodeValue(saying(1_000))).rejects.toThrow()
    await expect(decodeValue(saying(150_000))).rejects.toThrow()
    await expect(decodeValue(saying(0xffff_ffff))).rejects.toThrow(RangeError)
  })
})

describe('JSON', () => {
  test('loses what JSON loses, and keeps undefined', async () => {
    const travelled = (value: unknown) => decodeValue(encodeValue(value, 'json'))
    expect(await travelled({ at: new Date(0), map: new Map(), gone: undefined })).toEqual({
      at: '1970-01-01T00:00:00.000Z',
      map: {},
    })
    expect(await travelled(undefined)).toBeUndefined()
    expect(await travelled(null)).toBeNull()
  })

  test('refuses what JSON has no form for', () => {
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    for (const value of [() => 1, Symbol('s'), 1n, cycle]) {
      expect(() => encodeValue(value, 'json')).toThrow(
        expect.objectContaining({ code: 'HOTPATH_CACHE_VALUE_INVALID' }),
      )
    }
  })
})
