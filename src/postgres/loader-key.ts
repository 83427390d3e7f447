import { inspect } from 'node:util'
import { queryInvalid } from './errors.ts'

/** What a key is found under: equal for keys of equal structure. */
export type KeyName = string | number | bigint | boolean | null | undefined

// Deeper than a key is; an object that contains itself gets there.
const maxDepth = 20

/**
 * The name of a key. Primitives are their own, which costs nothing; whatever has parts is written out,
 * behind a mark that tells it from a text.
 *
 * @throws HotpathError HOTPATH_POSTGRES_QUERY_INVALID for what has no stable structure
 */
export function nameOfKey(key: unknown): KeyName {
  switch (typeof key) {
    case 'string':
      return key.startsWith('\0') ? `\0${key}` : key
    case 'number':
    case 'bigint':
    case 'boolean':
    case 'undefined':
      return key
    case 'object':
      return key === null ? null : `\0:${write(key, 0)}`
    case 'function':
    case 'symbol':
      return refuse(key)
  }
}

function write(value: unknown, depth: number): string {
  if (depth > maxDepth) refuse(value)
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'bigint':
      return `${value}n`
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value)
    case 'object':
      return value === null ? 'null' : writeObject(value, depth + 1)
    case 'function':
    case 'symbol':
      return refuse(value)
  }
}

function writeObject(value: object, depth: number): string {
  if (Array.isArray(value)) return `[${value.map((item) => write(item, depth)).join()}]`
  if (value instanceof Date) return `@${value.getTime()}`
  if (value instanceof Uint8Array) return `x${Buffer.from(value).toString('hex')}`
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) refuse(value)
  const properties = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${properties.map(([name, part]) => `${JSON.stringify(name)}:${write(part, depth)}`).join()}}`
}

function refuse(value: unknown): never {
  throw queryInvalid(
    `a loader's key holds ${inspect(value, { depth: 0, maxStringLength: 60 })}, which has no stable ` +
      'structure; use plain data: texts, numbers, dates, arrays and plain objects of them',
  )
}
