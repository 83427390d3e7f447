import { randomBytes } from 'node:crypto'

// The record of a tag in Redis, all in ASCII:
//
//   hard version, 12 characters     values with another one are missing
//   for each expiry, latest first, at most 8 of them:
//     soft version, 12 characters   values with another one are stale …
//     milliseconds since 1970, 13   … since the first expiry that they did not see
//
// A value carries the hard version and the latest soft one, as they were when its load began.

const idLength = 12
const timeLength = 13
const expiryLength = idLength + timeLength

/** How many expiries a tag remembers. A value that has missed them all is missing. */
export const maxExpiries = 8
/** What a script may keep of the record it finds: the hard version, and the expiries before its own. */
export const keptExpiriesLength: number = (maxExpiries - 1) * expiryLength
export const hardVersionLength: number = idLength

/** Versions of tags, as values carry them, are of one length. */
export const tagVersionLength: number = 2 * idLength
const neverExpired = '-'.repeat(idLength)

/** A tag as it stands in Redis. */
export interface TagState {
  /** What a value that begins to be made now must carry. */
  readonly version: string
  readonly record: string
}

/** The record of a tag whose values, if there are any, are all missing. */
export function newTagRecord(): string {
  return newId()
}

/** What goes before the expiries that a tag has seen. */
export function newExpiry(epochMs: number): string {
  return newId() + String(Math.floor(epochMs)).padStart(timeLength, '0')
}

/** `undefined` for what is no record of a tag. */
export function parseTagRecord(bytes: Buffer | null | undefined): TagState | undefined {
  if (bytes === null || bytes === undefined || bytes.length < idLength) return undefined
  if ((bytes.length - idLength) % expiryLength !== 0) return undefined
  return tagState(bytes.toString('latin1'))
}

export function tagState(record: string): TagState {
  const soft = record.slice(idLength, tagVersionLength)
  return { record, version: record.slice(0, idLength) + (soft === '' ? neverExpired : soft) }
}

/**
 * Since when a value that carries a version of the tag has been stale: `Infinity` where it is not,
 * `undefined` where it is missing.
 */
export function staleSince(version: string, { record }: TagState): number | undefined {
  if (!record.startsWith(version.slice(0, idLength))) return undefined
  const seen = version.slice(idLength)
  let since = Infinity
  for (let at = idLength; at < record.length; at += expiryLength) {
    if (record.startsWith(seen, at)) return since
    since = Number(record.slice(at + idLength, at + expiryLength))
  }
  const isForgotten = record.length === idLength + maxExpiries * expiryLength
  return seen === neverExpired && !isForgotten ? since : undefined
}

function newId(): string {
  return randomBytes((idLength * 3) / 4).toString('base64url')
}
