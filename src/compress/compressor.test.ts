import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { components } from '../core/index.ts'
import { createCompressor, type CompressorOptions, type ContentCoding } from './index.ts'

const text = JSON.stringify(Array.from({ length: 400 }, (_, id) => ({ id, name: `user ${id}` })))
const large = text.repeat(100)

test.each<[string, number | undefined, ContentCoding | undefined, CompressorOptions]>([
  ['gzip, br, zstd', 200_000, 'zstd', {}],
  ['gzip, br, zstd', undefined, 'zstd', {}],
  ['gzip, br, zstd', 2_000, 'gzip', {}],
  ['gzip;q=0.9, br, zstd', 2_000, 'zstd', {}],
  ['gzip, br', 200_000, 'br', {}],
  ['gzip, br, zstd', 200_000, 'gzip', { encodings: ['gzip'] }],
  ['br', 200_000, undefined, { encodings: ['gzip'] }],
  ['gzip, br, zstd', 200_000, 'br', { encodings: ['gzip', 'br'] }],
  ['gzip;q=0.5, br', 200_000, 'gzip', { breachPaddingBytes: 100 }],
  ['br', 200_000, undefined, { breachPaddingBytes: 100 }],
])('%j and %s bytes: %s', async (accept, byteLength, coding, options) => {
  await using compressor = createCompressor(options)
  expect(compressor.codingFor(accept, byteLength)).toBe(coding)
})

test('what it offers is in its own order, and with padding no brotli', async () => {
  await using every = createCompressor({ encodings: ['gzip', 'zstd', 'br'] })
  expect(every.encodings).toEqual(['zstd', 'br', 'gzip'])
  await using padding = createCompressor({ breachPaddingBytes: 10 })
  expect(padding.encodings).toEqual(['zstd', 'gzip'])
})

test('counts bodies and bytes, in all and by coding', async () => {
  const compressor = createCompressor({ name: 'counted' })
  const sizes = { gzip: 0, br: 0 }
  for (const coding of ['gzip', 'br', 'gzip'] as const) {
    sizes[coding] += (await compressor.encode(text, coding))?.length ?? 0
  }
  expect(await compressor.encode('no smaller', 'gzip')).toBeUndefined()
  compressor.createStream('gzip').destroy()
  const stats = compressor.stats()
  expect(stats).toEqual({
    bodies: 3,
    bytesIn: 3 * text.length,
    bytesOut: sizes.gzip + sizes.br,
    byCoding: {
      gzip: { bodies: 2, bytesIn: 2 * text.length, bytesOut: sizes.gzip },
      br: { bodies: 1, bytesIn: text.length, bytesOut: sizes.br },
    },
    notSmaller: 1,
    noRoom: 0,
    streams: 1,
    running: 0,
    waiting: 0,
  })
  const registered = () => components().filter(({ name }) => name === 'counted')
  expect(registered().map((one) => one.stats())).toEqual([stats])
  await compressor.close()
  expect(registered()).toEqual([])
})

test('large bodies go to threads, a few at once', async () => {
  await using compressor = createCompressor()
  const all = Array.from({ length: 12 }, async (_, number) => {
    const encoded = await compressor.encode(large + String(number), 'gzip')
    return gunzipSync(encoded ?? '').toString()
  })
  const { running, waiting } = compressor.stats()
  expect(running).toBeGreaterThan(0)
  expect(running).toBeLessThan(4)
  expect(running + waiting).toBe(12)
  expect(await Promise.all(all)).toEqual(Array.from({ length: 12 }, (_, number) => large + number))
  expect(compressor.stats()).toMatchObject({ bodies: 12, running: 0, waiting: 0 })
})

test('what was given up while it waited is not compressed', async () => {
  await using compressor = createCompressor()
  const aborted = new AbortController()
  const first = Array.from({ length: 4 }, async () => compressor.encode(large, 'gzip'))
  const givenUp = Array.from({ length: 4 }, async () =>
    compressor.encode(large, 'gzip', aborted.signal),
  )
  aborted.abort()
  const last = compressor.encode(large, 'gzip')
  expect(await Promise.all(givenUp)).toEqual([undefined, undefined, undefined, undefined])
  await Promise.all([...first, last])
  expect(compressor.stats()).toMatchObject({ bodies: 5, noRoom: 0, running: 0, waiting: 0 })
})

test('where too much waits, a body is not compressed', async () => {
  await using compressor = createCompressor()
  const huge = Buffer.alloc(30 * 1_024 * 1_024, 'text ')
  const all = Array.from({ length: 8 }, async () => compressor.encode(huge, 'zstd'))
  const sent = await Promise.all(all)
  const { noRoom } = compressor.stats()
  expect(noRoom).toBeGreaterThan(0)
  expect(sent.filter((encoded) => encoded === undefined)).toHaveLength(noRoom)
})

test.each([
  { minimumBytes: 0 },
  { level: 0 },
  { level: 10 },
  { level: 1.5 },
  { encodings: ['deflate'] },
  { breachPaddingBytes: 0 },
  { breachPaddingBytes: 100_000 },
  { name: '' },
  { levels: 3 },
])('%j is refused', (options) => {
  expect(() => createCompressor(options as CompressorOptions)).toThrow(
    expect.objectContaining({ code: 'HOTPATH_OPTION_INVALID' }) as Error,
  )
})
