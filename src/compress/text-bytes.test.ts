import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesOfText, memoryOfText, passingBytesOfText, releaseBytesOfText } from './text-bytes.ts'

const long = 600_000

test.each([
  '',
  'plain',
  'Grüße',
  '“quoted” 日本語 🙂',
  'half of a pair: \ud83d, and the other half: \ude42',
  'é'.repeat(long),
  '…'.repeat(long),
  `${'a'.repeat(long)}🙂`,
])('bytes of a text are those of Buffer.from', (text) => {
  expect(bytesOfText(text).equals(Buffer.from(text))).toBe(true)
  expect(passingBytesOfText(text).equals(Buffer.from(text))).toBe(true)
})

test('of any text at all', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), (one, other) => {
      const text = one + other
      const bytes = Buffer.from(text)
      expect(bytesOfText(text).equals(bytes)).toBe(true)
      expect(passingBytesOfText(text).equals(bytes)).toBe(true)
    }),
  )
})

test.each(['first', '“first”'])('bytes of %j are kept, whatever is converted after', (text) => {
  const kept = bytesOfText(text)
  passingBytesOfText('other text that is longer')
  passingBytesOfText('“other text that is longer”')
  expect(kept.toString()).toBe(text)
})

test('a text with a character beyond Latin-1 takes two bytes for each', () => {
  expect(memoryOfText('abcd')).toBe(4)
  expect(memoryOfText('abc…')).toBe(8)
})

test.each(['a'.repeat(100_000), '…'.repeat(100_000)])(
  'its memory is given back at once',
  (text) => {
    const bytes = bytesOfText(text)
    releaseBytesOfText(bytes)
    expect(bytes.buffer.byteLength).toBe(0)
  },
)

test('memory that others have a part of is not', () => {
  for (const text of ['short', '“short”', 'a'.repeat(100_000)]) {
    const shared = [Buffer.from('beside it'), passingBytesOfText('in the scratch')]
    releaseBytesOfText(passingBytesOfText(text))
    expect(shared.every(({ buffer }) => buffer.byteLength > 0)).toBe(true)
  }
})
