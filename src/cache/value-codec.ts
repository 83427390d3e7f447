import { deserialize, serialize } from 'node:v8'
import { HotpathError } from '../core/index.ts'
import { compress, decompress } from './compression.ts'
import type { Serializer } from './options.ts'

/** A value as bytes, and which form they have. */
export interface EncodedValue {
  readonly isJson: boolean
  readonly isCompressed: boolean
  readonly bytes: Buffer
}

/**
 * A value as bytes. Values that JSON keeps exactly travel as JSON, which is several times cheaper;
 * all others (dates, maps, binary data, `undefined`, `NaN`, …) as a structured clone, so that a
 * reader finds what the loader returned and not what JSON made of it.
 *
 * @throws HotpathError HOTPATH_CACHE_VALUE_INVALID
 */
export function encodeValue(value: unknown, serializer: Serializer = 'clone'): EncodedValue {
  try {
    const isJson = serializer === 'json' || isJsonSafe(value, 0)
    return { isJson, isCompressed: false, bytes: isJson ? toJson(value) : serialize(value) }
  } catch (cause) {
    throw new HotpathError(
      'HOTPATH_CACHE_VALUE_INVALID',
      `a value cannot be sent to Redis: ${cause instanceof Error ? cause.message : String(cause)}; ` +
        'cache plain data, or keep this cache in memory only',
      { cause },
    )
  }
}

/** The value in less space, where it has at least so many bytes and gets smaller by it. */
export async function compressValue(
  value: EncodedValue,
  minBytes: number | false,
): Promise<EncodedValue> {
  if (minBytes === false || value.bytes.length < minBytes) return value
  const bytes = await compress(value.bytes)
  return bytes === undefined ? value : { ...value, isCompressed: true, bytes }
}

/** @throws whatever the bytes make the parser throw. */
export async function decodeValue({ isJson, isCompressed, bytes }: EncodedValue): Promise<unknown> {
  const plain = isCompressed ? await decompress(bytes) : bytes
  if (isJson) return plain.length === 0 ? undefined : JSON.parse(plain.toString())
  // Binary values become views of the bytes they are read from, which may be a small part of a
  // large network buffer: a copy keeps the value from holding on to the rest.
  return deserialize(isCompressed ? plain : Buffer.from(plain))
}

/** JSON has no word for `undefined`, and a loader may say it: no bytes are its word. */
function toJson(value: unknown): Buffer {
  if (value === undefined) return Buffer.alloc(0)
  const text: string | undefined = JSON.stringify(value)
  if (text === undefined) throw new TypeError(`JSON has no form for a ${typeof value}`)
  return Buffer.from(text)
}

/** Deeper values go the slower way, which knows no depth and no cycle. */
const maxJsonDepth = 64

function isJsonSafe(value: unknown, depth: number): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0)
  if (typeof value !== 'object' || depth === maxJsonDepth) return false
  if (Array.isArray(value)) return isJsonSafeArray(value, depth)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  for (const [name, item] of Object.entries(value)) {
    // JSON would call the one, and lose the other on the way back.
    if (name === 'toJSON' || name === '__proto__') return false
    if (!isJsonSafe(item, depth + 1)) return false
  }
  return true
}

function isJsonSafeArray(values: unknown[], depth: number): boolean {
  // By index: a hole is an `undefined` that JSON would turn into null.
  for (let index = 0; index < values.length; index++) {
    if (!isJsonSafe(values[index], depth + 1)) return false
  }
  return true
}
