import fc from 'fast-check'
import { constants, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { ZstdFrames } from './zstd-frames.ts'

function skippable(length: number, kind = 0): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(0x184d2a50 + kind, 0)
  head.writeUInt32LE(length, 4)
  // What stands in it may look like anything.
  return Buffer.concat(
    [head, zstdCompressSync(Buffer.alloc(length + 9)).subarray(0, length)],
    8 + length,
  )
}

const text = Buffer.from(JSON.stringify(Array.from({ length: 90_000 }, (_, id) => ({ id }))))

const data: Readonly<Record<string, Buffer>> = {
  nothing: zstdCompressSync(Buffer.alloc(0)),
  'a small body': zstdCompressSync(text.subarray(0, 100)),
  'one byte, many times': zstdCompressSync(Buffer.alloc(400_000, 'x')),
  'many blocks': zstdCompressSync(text),
  'with a checksum': zstdCompressSync(text, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
  'without its length': zstdCompressSync(text, {
    params: { [constants.ZSTD_c_contentSizeFlag]: 0 },
  }),
  'of a length of two bytes': zstdCompressSync(text.subarray(0, 3_000)),
}

describe.each(Object.keys(data))('a frame of %s', (name) => {
  const frame = data[name] ?? Buffer.alloc(0)

  test('is found among skippable ones, in whatever pieces they come', () => {
    const padding = fc.array(
      fc.tuple(fc.nat(40), fc.nat(15)).map(([length, kind]) => skippable(length, kind)),
      { maxLength: 3 },
    )
    const oneAtMost = fc.constantFrom([frame], [])
    fc.assert(
      fc.property(
        fc.tuple(padding, oneAtMost, padding).map((parts) => parts.flat()),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 }),
        fc.nat(),
        (parts, sizes, cut) => {
          const whole = Buffer.concat(parts)
          const frames = parts.filter((one) => one === frame)
          const { kept, isWhole, droppedBytes } = run(whole, sizes)
          expect(kept.equals(Buffer.concat(frames))).toBe(true)
          expect(isWhole).toBe(true)
          expect(droppedBytes).toBe(whole.length - kept.length)

          // What is cut short is known to be, and nothing of it is lost.
          const end = cut % (whole.length + 1)
          const short = run(whole.subarray(0, end), sizes)
          expect(short.isWhole).toBe(boundaries(parts).includes(end))
          expect(short.kept.length + short.droppedBytes).toBe(end)
        },
      ),
      { numRuns: 100 },
    )
  })
})

test('behind a second frame of data nothing is looked at: the decoder refuses it', () => {
  const { 'a small body': frame = Buffer.alloc(0) } = data
  const [first, second] = [skippable(5), skippable(7)]
  const { kept } = run(Buffer.concat([first, frame, second, frame, second]), [9])
  expect(kept.equals(Buffer.concat([frame, frame, second]))).toBe(true)
})

test('what is no zstd is passed on as it is', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 1, max: 9 }), (bytes, size) => {
      const body = Buffer.concat([Buffer.from('no'), bytes])
      expect(run(body, [size]).kept.equals(body)).toBe(true)
    }),
  )
})

function run(whole: Buffer, sizes: readonly number[]) {
  const frames = new ZstdFrames()
  const kept: Buffer[] = []
  for (let at = 0, turn = 0; at < whole.length; turn++) {
    // Small ones where the heads are, large ones elsewhere: a megabyte in tens takes its time.
    const size = (sizes[turn % sizes.length] ?? 1) * (turn < 200 ? 1 : 1_000)
    kept.push(frames.take(whole.subarray(at, at + size)))
    at += size
  }
  const { isWhole, droppedBytes } = frames
  kept.push(frames.rest())
  return { kept: Buffer.concat(kept), isWhole, droppedBytes }
}

function boundaries(parts: readonly Buffer[]): number[] {
  let at = 0
  return [0, ...parts.map(({ length }) => (at += length))]
}
