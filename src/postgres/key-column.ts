import { queryInvalid } from './errors.ts'

/** What a key of a column can be given as. */
export type ColumnKey = string | number | bigint

/** How the keys of one type of column are written, so that equal keys are equal texts. */
export interface KeyColumn {
  /**
   * A key as PostgreSQL writes it; undefined for one that the type cannot hold, which therefore has no
   * row; an error for what is none of its kind.
   */
  write(key: unknown): string | undefined | Error
}

// By the object identifiers of pg_type, which never change.
const kinds: ReadonlyMap<number, KeyColumn> = new Map([
  [21, integers(16n)],
  [23, integers(32n)],
  [20, integers(64n)],
  [25, texts()],
  [1043, texts()],
  [2950, uuids()],
])

/** @throws HotpathError HOTPATH_POSTGRES_QUERY_INVALID for a type whose values can be written in several ways */
export function keyColumn(column: string, typeId: number): KeyColumn {
  const kind = kinds.get(typeId)
  if (kind !== undefined) return kind
  throw queryInvalid(
    `loadBy does not know how the keys of ${column} compare (type ${typeId}): it takes smallint, integer, ` +
      'bigint, text, varchar and uuid; write the batch function yourself for others',
  )
}

function integers(bits: bigint): KeyColumn {
  return {
    write(key) {
      const isInteger =
        typeof key === 'bigint' ||
        (typeof key === 'number' && Number.isSafeInteger(key)) ||
        (typeof key === 'string' && /^-?\d{1,40}$/.test(key))
      if (!isInteger) return wrongKey('a whole number')
      const value = BigInt(key)
      return BigInt.asIntN(Number(bits), value) === value ? value.toString() : undefined
    },
  }
}

function texts(): KeyColumn {
  return {
    write(key) {
      if (typeof key !== 'string') return wrongKey('a text')
      // PostgreSQL has no text with a zero character.
      return key.includes('\0') ? undefined : key
    },
  }
}

function uuids(): KeyColumn {
  return {
    write(key) {
      const digits = typeof key === 'string' ? key.replaceAll(/[-{}]/g, '').toLowerCase() : ''
      if (!/^[0-9a-f]{32}$/.test(digits)) return wrongKey('a UUID')
      return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
    },
  }
}

// Without the key itself: it came from outside, and the message may be logged.
function wrongKey(expected: string): Error {
  return queryInvalid(`a key of this loader must be ${expected}`)
}
