import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { encode } from './encode.ts'

test.each([0, 10, 8_192, 8_193, 200_000])('%d bytes come back as they were', async (length) => {
  const body = Buffer.alloc(length, 'some text that repeats. ')
  expect(gunzipSync(await encode(body, 'gzip'))).toEqual(body)
  expect(brotliDecompressSync(await encode(body, 'br'))).toEqual(body)
})

test('a large body is compressed off the event loop', () => {
  expect(encode(Buffer.alloc(100), 'gzip')).toBeInstanceOf(Buffer)
  expect(encode(Buffer.alloc(100_000), 'gzip')).toBeInstanceOf(Promise)
  expect(encode(Buffer.alloc(100_000), 'br')).toBeInstanceOf(Promise)
})
