import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lines } from './lines.ts'
import type { LinesOptions } from './lines-options.ts'
import type { RejectedRow } from './rejects.ts'
import type { TextEncoding } from './text-codec.ts'

const encodings: TextEncoding[] = ['utf-8', 'utf-16le', 'utf-16be', 'latin1']

/** Bytes that are cut at any places. */
const cut = (bytes: Buffer, places: readonly number[]): Buffer[] => {
  const ends = places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b)
  return [...ends, bytes.length].map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
}

const cuts = fc.array(fc.nat(), { maxLength: 8 })
const pieces = fc.constantFrom(
  '\n',
  '\r',
  '\r\n',
  '\u2028',
  '\u2029',
  '\u0085',
  '\v',
  'é',
  '€',
  '😀',
  '\ufeff',
  'a',
  '',
)
const texts = fc
  .array(fc.oneof(pieces, fc.string({ unit: 'binary', maxLength: 12 })), { maxLength: 30 })
  .map((parts) => parts.join(''))
const rawBytes = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        0x0a,
        0x0d,
        0x00,
        0xd8,
        0xdc,
        0x80,
        0xc3,
        0xe2,
        0xf0,
        0xff,
        0xfe,
        0xef,
        0xbb,
        0xbf,
      ),
      fc.integer({ min: 0, max: 255 }),
    ),
    { maxLength: 60 },
  )
  .map((values) => Buffer.from(values))

describe('any text, cut anywhere, gives the lines of the oracle', () => {
  test.each(encodings)('%s, valid or not', async (encoding) => {
    await fc.assert(
      fc.asyncProperty(rawBytes, cuts, async (bytes, places) => {
        const wanted = oracle(bytes, encoding).map(({ text }) => text)
        // Now and then such bytes begin as gzip does.
        const found = lines(cut(bytes, places), { encoding, compression: false })
        expect(await found.toArray()).toEqual(wanted)
      }),
      { numRuns: 1_000 },
    )
  })

  test.each(encodings)('%s, with the place of each line', async (encoding) => {
    await fc.assert(
      fc.asyncProperty(texts, cuts, async (text, places) => {
        const bytes = encode(text, encoding)
        const found: { text: unknown; line: number; byteOffset: number | undefined }[] = []
        await lines(cut(bytes, places), { encoding })
          .tap(() => {
            throw new Error('seen')
          })
          .to(async () => {}, {
            maxRejects: false,
            rejects: async (rows: readonly RejectedRow[]) => {
              for (const { row, line, byteOffset } of rows)
                found.push({ text: row, line, byteOffset })
            },
          })
        expect(found).toEqual(
          oracle(bytes, encoding).map(({ text, byteOffset }, index) => ({
            text,
            line: index + 1,
            byteOffset,
          })),
        )
      }),
      { numRuns: 500 },
    )
  })

  test.each(encodings)('%s, and goes on from any batch', async (encoding) => {
    await fc.assert(
      fc.asyncProperty(
        texts,
        cuts,
        fc.integer({ min: 1, max: 5 }),
        async (text, places, batchSize) => {
          const bytes = encode(text, encoding)
          const wanted = oracle(bytes, encoding).map(({ text }) => text)
          const whole: string[] = []
          await lines(cut(bytes, places), { encoding }).to(
            async (rows, next) => {
              whole.push(...rows)
              const rest = await lines(cut(bytes, places), { encoding, from: next }).toArray()
              expect([...whole, ...rest]).toEqual(wanted)
              expect(next.line).toBe(whole.length + 1)
            },
            { batchSize },
          )
          expect(whole).toEqual(wanted)
        },
      ),
      { numRuns: 200 },
    )
  })

  test.each(encodings)('%s, lines beyond the limit cut or rejected', async (encoding) => {
    await fc.assert(
      fc.asyncProperty(
        rawBytes,
        cuts,
        fc.integer({ min: 1, max: 12 }),
        async (bytes, places, maxLineBytes) => {
          const all = oracle(bytes, encoding)
          const options: LinesOptions = { encoding, maxLineBytes }
          const isLong = ({ bytes }: OracleLine) => bytes.length > maxLineBytes
          const rejected: number[] = []
          const kept: string[] = []
          await lines(cut(bytes, places), options).to(async (rows) => void kept.push(...rows), {
            maxRejects: false,
            rejects: async (rows: readonly RejectedRow[]) =>
              void rejected.push(...rows.map(({ line }) => line)),
          })
          expect(kept).toEqual(all.filter((line) => !isLong(line)).map(({ text }) => text))
          expect(rejected).toEqual(all.flatMap((line, index) => (isLong(line) ? [index + 1] : [])))

          const shortened = await lines(cut(bytes, places), {
            ...options,
            onLongLine: 'cut',
          }).toArray()
          expect(shortened).toHaveLength(all.length)
          for (const [index, line] of all.entries()) {
            const text = shortened[index] ?? ''
            if (!isLong(line)) expect(text).toBe(line.text)
            else if (!line.text.includes('\ufffd'))
              expect(text).toBe(longestWithin(line.text, maxLineBytes, line.encoding))
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  test('and with invalid text as an error, every bad line is told and no good one lost', async () => {
    await fc.assert(
      fc.asyncProperty(rawBytes, cuts, async (bytes, places) => {
        const all = oracle(bytes, 'utf-8')
        const bad: number[] = []
        const kept: string[] = []
        await lines(cut(bytes, places), { invalidText: 'error' }).to(
          async (rows) => void kept.push(...rows),
          {
            maxRejects: false,
            rejects: async (rows: readonly RejectedRow[]) =>
              void bad.push(...rows.map(({ line }) => line)),
          },
        )
        expect(kept).toEqual(all.filter(({ isValid }) => isValid).map(({ text }) => text))
        expect(bad).toEqual(all.flatMap(({ isValid }, index) => (isValid ? [] : [index + 1])))
      }),
      { numRuns: 500 },
    )
  })
})

interface OracleLine {
  readonly text: string
  readonly bytes: Buffer
  readonly byteOffset: number
  readonly isValid: boolean
  readonly encoding: TextEncoding
}

/** Unit by unit, and each line by the platform's own decoder. */
function oracle(bytes: Buffer, wanted: TextEncoding): OracleLine[] {
  const hex = bytes.subarray(0, 3).toString('hex')
  const encoding =
    wanted === 'latin1'
      ? wanted
      : hex === 'efbbbf'
        ? 'utf-8'
        : hex.startsWith('fffe')
          ? 'utf-16le'
          : hex.startsWith('feff')
            ? 'utf-16be'
            : wanted
  const markLength =
    wanted === 'latin1' ? 0 : hex === 'efbbbf' ? 3 : /^(fffe|feff)/.test(hex) ? 2 : 0
  const size = encoding.startsWith('utf-16') ? 2 : 1
  const unitAt = (at: number) =>
    at + size > bytes.length
      ? -1
      : size === 1
        ? (bytes[at] ?? -1)
        : encoding === 'utf-16le'
          ? bytes.readUInt16LE(at)
          : bytes.readUInt16BE(at)
  const found: OracleLine[] = []
  let start = markLength
  const add = (end: number) => {
    const line = bytes.subarray(start, end)
    found.push({ bytes: line, byteOffset: start, encoding, ...decodeByPlatform(line, encoding) })
  }
  let at = markLength
  while (at < bytes.length) {
    const unit = unitAt(at)
    if (unit !== 0x0a && unit !== 0x0d) {
      at += size
      continue
    }
    add(at)
    at += unit === 0x0d && unitAt(at + size) === 0x0a ? 2 * size : size
    start = at
  }
  if (start < bytes.length) add(bytes.length)
  return found
}

function decodeByPlatform(line: Buffer, encoding: TextEncoding) {
  if (encoding === 'latin1') {
    return { text: String.fromCharCode(...line), isValid: true }
  }
  const options = { ignoreBOM: true }
  const text = new TextDecoder(encoding, options).decode(line)
  try {
    new TextDecoder(encoding, { ...options, fatal: true }).decode(line)
    return { text, isValid: true }
  } catch {
    return { text, isValid: false }
  }
}

function encode(text: string, encoding: TextEncoding): Buffer {
  if (encoding === 'utf-16be') return Buffer.from(text.toWellFormed(), 'utf16le').swap16()
  if (encoding === 'utf-16le') return Buffer.from(text.toWellFormed(), 'utf16le')
  return Buffer.from(text.toWellFormed(), encoding === 'latin1' ? 'latin1' : 'utf8')
}

function longestWithin(text: string, maxBytes: number, encoding: TextEncoding): string {
  let kept = ''
  for (const character of text) {
    if (encode(kept + character, encoding).length > maxBytes) break
    kept += character
  }
  return kept
}
