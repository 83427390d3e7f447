import { randomBytes } from 'node:crypto'
import { PassThrough } from 'node:stream'
import {
  constants,
  createGzip,
  createZstdCompress,
  gunzipSync,
  zstdDecompressSync,
} from 'node:zlib'
import { expect, test } from 'vitest'
import { keptChunkBytes, KeptEncoder, type KeptEncoding } from './kept-encoder.ts'

const encodings: Readonly<Record<'gzip' | 'zstd', KeptEncoding>> = {
  gzip: {
    make: () => createGzip({ chunkSize: keptChunkBytes }),
    endFlush: constants.Z_FINISH,
    isReset: true,
    decode: (encoded) => gunzipSync(encoded),
  },
  zstd: {
    make: () => createZstdCompress({ chunkSize: keptChunkBytes }),
    endFlush: constants.ZSTD_e_end,
    isReset: false,
    decode: (encoded) => zstdDecompressSync(encoded),
  },
}

const codings = ['gzip', 'zstd'] as const

// What does not become smaller fills the encoder's memory several times over.
const bodies = [
  ...[1, 100, 20_000, 700_000].map((length) => Buffer.alloc(length, `${length} times a text. `)),
  ...[1, 5_000, keptChunkBytes, 500_000].map((length) => randomBytes(length)),
  Buffer.alloc(0),
]

test.each(codings)('%s: each body is what went in, whatever came before and after', (coding) => {
  const encoding = encodings[coding]
  const encoder = KeptEncoder.tryMake(encoding)
  const order = [...bodies, ...bodies.toReversed(), ...bodies]
  const encoded = order.map((body) => encoder?.encode(body) ?? body)
  expect(encoded.every((bytes, at) => encoding.decode(bytes).equals(order[at] ?? bytes))).toBe(true)
  const again = encoder?.encode(bodies[2] ?? Buffer.alloc(0))
  expect(again?.equals(encoded[2] ?? Buffer.alloc(0))).toBe(true)
})

test.each(codings)('%s: nothing is added to the encoder with each body', (coding) => {
  const made: ReturnType<KeptEncoding['make']>[] = []
  const { make, ...others } = encodings[coding]
  const encoder = KeptEncoder.tryMake({
    ...others,
    make() {
      made.push(make())
      return made[0] ?? make()
    },
  })
  for (let time = 0; time < 20; time++) encoder?.encode(Buffer.from('a body'))
  expect(made).toHaveLength(1)
  expect(made[0]?.listenerCount('error')).toBe(0)
})

test('a Node in which it does not work is noticed', () => {
  const noEngine = { ...encodings.gzip, make: () => new PassThrough() }
  expect(KeptEncoder.tryMake(noEngine)).toBeUndefined()
  const notReset = { ...encodings.gzip, isReset: false }
  expect(KeptEncoder.tryMake(notReset)).toBeUndefined()
  const withoutClose = () =>
    Object.assign(createGzip(), { _handle: { writeSync() {}, reset() {} } })
  expect(KeptEncoder.tryMake({ ...encodings.gzip, make: withoutClose })).toBeUndefined()
})
