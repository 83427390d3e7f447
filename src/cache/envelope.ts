import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { tagVersionLength } from './tag-version.ts'
import type { EncodedValue } from './value-codec.ts'

// A record in Redis, big-endian:
//
//   0  magic 'hp', format 2, flags      what is not this is a miss
//   4  id, 8 random bytes               says whether a key was written since it was read
//  12  CRC-32 of all the other bytes
//  16  loaded, expires                  milliseconds since 1970, as doubles
//  32  stale, stale if error, load      milliseconds, as doubles
//  56  number of tags, then for each: length of the name, name, version
//      value
//
// A tombstone ends after the CRC: the key was deleted, and a load that began before must not fill it.

/** The bytes that identify a record: from the magic to the end of the id. */
export const identityBytes = 12
const crcAt = identityBytes
const bodyAt = 16
const timesBytes = 5 * 8

const magic = 0x6870
const format = 2
const flagJson = 1
const flagMissing = 2
const flagTombstone = 4
const flagCompressed = 8

/** The version that a tag had when a value began to be made. */
export interface VersionedTag {
  readonly name: string
  readonly version: string
}

/** What is stored of a key in Redis. */
export interface Envelope {
  readonly value: EncodedValue
  readonly isMissing: boolean
  /** When its load began. */
  readonly loadedEpochMs: number
  readonly expiresEpochMs: number
  /** As of `Fresh`, in the memory tier. */
  readonly staleMs: number
  readonly staleIfErrorMs: number
  readonly loadMs: number
  readonly tags: readonly VersionedTag[]
}

export function encodeEnvelope(envelope: Envelope): Buffer {
  const { value, isMissing, tags } = envelope
  const names = tags.map((tag) => Buffer.from(tag.name))
  const tagsLength = names.reduce((sum, name) => sum + 2 + name.length + tagVersionLength, 2)
  const bytes = Buffer.allocUnsafe(bodyAt + timesBytes + tagsLength + value.bytes.length)

  writeIdentity(
    bytes,
    (value.isJson ? flagJson : 0) |
      (value.isCompressed ? flagCompressed : 0) |
      (isMissing ? flagMissing : 0),
  )
  let at = bodyAt
  at = bytes.writeDoubleBE(envelope.loadedEpochMs, at)
  at = bytes.writeDoubleBE(envelope.expiresEpochMs, at)
  at = bytes.writeDoubleBE(envelope.staleMs, at)
  at = bytes.writeDoubleBE(envelope.staleIfErrorMs, at)
  at = bytes.writeDoubleBE(envelope.loadMs, at)
  at = bytes.writeUInt16BE(tags.length, at)
  for (const [index, name] of names.entries()) {
    at = bytes.writeUInt16BE(name.length, at)
    at += name.copy(bytes, at)
    at += bytes.write(tags[index]?.version ?? '', at, tagVersionLength, 'latin1')
  }
  value.bytes.copy(bytes, at)
  bytes.writeUInt32BE(checksum(bytes), crcAt)
  return bytes
}

export function encodeTombstone(): Buffer {
  const bytes = Buffer.allocUnsafe(bodyAt)
  writeIdentity(bytes, flagTombstone)
  bytes.writeUInt32BE(checksum(bytes), crcAt)
  return bytes
}

/** What was stored; `undefined` for a tombstone, and for anything that is broken or foreign. */
export function decodeEnvelope(bytes: Buffer): Envelope | undefined {
  if (bytes.length < bodyAt + timesBytes + 2) return undefined
  if (bytes.readUInt16BE(0) !== magic || bytes[2] !== format) return undefined
  if (bytes.readUInt32BE(crcAt) !== checksum(bytes)) return undefined

  const flags = bytes[3] ?? 0
  const tags: VersionedTag[] = []
  let at = bodyAt + timesBytes
  const count = bytes.readUInt16BE(at)
  at += 2
  for (let index = 0; index < count; index++) {
    const nameEnd = at + 2 + bytes.readUInt16BE(at)
    const name = bytes.toString('utf8', at + 2, nameEnd)
    at = nameEnd + tagVersionLength
    tags.push({ name, version: bytes.toString('latin1', nameEnd, at) })
  }
  return {
    value: {
      isJson: (flags & flagJson) !== 0,
      isCompressed: (flags & flagCompressed) !== 0,
      bytes: bytes.subarray(at),
    },
    isMissing: (flags & flagMissing) !== 0,
    loadedEpochMs: bytes.readDoubleBE(bodyAt),
    expiresEpochMs: bytes.readDoubleBE(bodyAt + 8),
    staleMs: bytes.readDoubleBE(bodyAt + 16),
    staleIfErrorMs: bytes.readDoubleBE(bodyAt + 24),
    loadMs: bytes.readDoubleBE(bodyAt + 32),
    tags,
  }
}

function writeIdentity(bytes: Buffer, flags: number): void {
  bytes.writeUInt16BE(magic, 0)
  bytes[2] = format
  bytes[3] = flags
  randomBytes(8).copy(bytes, 4)
}

function checksum(bytes: Buffer): number {
  return crc32(bytes.subarray(bodyAt), crc32(bytes.subarray(0, crcAt)))
}
