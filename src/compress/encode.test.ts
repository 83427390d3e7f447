import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import {
  contentCodings,
  createEncoder,
  encodeAsync,
  encodeSync,
  type ContentCoding,
} from './encode.ts'

const decode: Record<ContentCoding, (bytes: Buffer) => Buffer> = {
  br: brotliDecompressSync,
  gzip: gunzipSync,
  zstd: zstdDecompressSync,
}

test.each(
  contentCodings.flatMap((coding) =>
    [1, 100, 8_192, 100_000].map((length) => ({ coding, length })),
  ),
)('$length bytes of $coding are what went in', async ({ coding, length }) => {
  const body = Buffer.alloc(length, 'some text that repeats. ')
  expect(decode[coding](encodeSync(body, coding))).toEqual(body)
  expect(decode[coding](await encodeAsync(body, coding))).toEqual(body)
})

test.each(contentCodings)('a stream of %s ends with all that was written', async (coding) => {
  const encoder = createEncoder(coding)
  for (let piece = 0; piece < 50; piece++) encoder.write(`piece ${piece}\n`)
  encoder.end('end')
  const chunks: Buffer[] = []
  for await (const chunk of encoder) chunks.push(chunk as Buffer)
  const text = decode[coding](Buffer.concat(chunks)).toString()
  expect(text.split('\n')).toHaveLength(51)
  expect(text.endsWith('piece 49\nend')).toBe(true)
})
