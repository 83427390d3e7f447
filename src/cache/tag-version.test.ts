import { expect, test } from 'vitest'
import {
  maxExpiries,
  newExpiry,
  newTagRecord,
  parseTagRecord,
  staleSince,
  tagState,
} from './tag-version.ts'

const expire = (record: string, atMs: number) =>
  record.slice(0, 12) + newExpiry(atMs) + record.slice(12, 12 + (maxExpiries - 1) * 25)

test('a value is fresh while its tag is as it was', () => {
  const tag = tagState(newTagRecord())
  expect(staleSince(tag.version, tag)).toBe(Infinity)
  const expired = tagState(expire(tag.record, 1_700_000_000_000))
  expect(staleSince(expired.version, expired)).toBe(Infinity)
})

test('a value is stale since the first expiry that it did not see', () => {
  let { record } = tagState(newTagRecord())
  const versions = [tagState(record).version]
  for (let n = 1; n < maxExpiries; n++) {
    record = expire(record, 1_700_000_000_000 + n)
    versions.push(tagState(record).version)
  }
  const tag = tagState(record)
  const times = versions.map((version) => staleSince(version, tag))
  const expected = versions.map((_, seen) =>
    seen === versions.length - 1 ? Infinity : 1_700_000_000_001 + seen,
  )
  expect(times).toEqual(expected)
})

test('a value that has missed more expiries than the tag remembers is missing', () => {
  let { record } = tagState(newTagRecord())
  const old = tagState(record).version
  for (let n = 1; n <= maxExpiries + 3; n++) record = expire(record, n)
  expect(staleSince(old, tagState(record))).toBeUndefined()
  expect(record).toHaveLength(12 + maxExpiries * 25)
})

test('an invalidated tag has no values', () => {
  const before = tagState(expire(newTagRecord(), 1))
  expect(staleSince(before.version, tagState(newTagRecord()))).toBeUndefined()
})

test('a record is read as it was written', () => {
  const record = expire(newTagRecord(), 1_700_000_000_000)
  expect(parseTagRecord(Buffer.from(record))).toEqual(tagState(record))
})

test('what is no record is none', () => {
  for (const bytes of ['', 'short', 'x'.repeat(13), 'x'.repeat(36)]) {
    expect(parseTagRecord(Buffer.from(bytes))).toBeUndefined()
  }
  expect(parseTagRecord(null)).toBeUndefined()
})
