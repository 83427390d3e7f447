import { inspect } from 'node:util'
import { HotpathError } from '../core/index.ts'
import type { StoreKey } from './entry-queue.ts'

// Keys that are put together begin with this; a text that begins with it is put together too.
const mark = '\0'
const markCode = 0

/** Deeper than data is; an object that contains itself gets there. */
const maxDepth = 100

/** The key of all arguments of a call: equal for calls that a pure function answers alike. */
export function keyOfArguments(args: readonly unknown[]): StoreKey {
  if (args.length === 1) return keyOfOne(args[0])
  const last = args.length - 1
  let text = `${mark}(`
  for (let index = 0; index < last; index++) text += encode(args[index], index, 0)
  if (last < 0) return text
  const value = args[last]
  // Nothing follows a text in the last place, so it need not say where it ends.
  return typeof value === 'string' ? `${text}'${value}` : text + encode(value, last, 0)
}

/** The key of a single value. Numbers and texts are their own keys. */
export function keyOfOne(value: unknown): StoreKey {
  switch (typeof value) {
    case 'string':
      return value.charCodeAt(0) === markCode ? mark + encode(value, 0, 0) : value
    case 'number':
      // To a Map 0 and -0 are one key; to `1 / x` they are not.
      return Object.is(value, -0) ? `${mark}-0` : value
    case 'bigint':
    case 'boolean':
      return value
    case 'object':
    case 'undefined':
    case 'function':
    case 'symbol':
      return mark + encode(value, 0, 0)
  }
}

// Each value ends where its encoding says, so that no text of one can pass for the next.
function encode(value: unknown, index: number, depth: number): string {
  switch (typeof value) {
    case 'string':
      return `"${value.length}:${value}`
    case 'number':
      return Object.is(value, -0) ? '-0,' : `${value},`
    case 'bigint':
      return `${value}n,`
    case 'boolean':
      return value ? 't' : 'f'
    case 'undefined':
      return 'u'
    case 'object':
      return value === null ? 'z' : encodeObject(value, index, depth + 1)
    case 'function':
    case 'symbol':
      return refuse(value, index)
  }
}

function encodeObject(value: object, index: number, depth: number): string {
  if (depth > maxDepth) refuse(value, index)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) {
    if (Object.getOwnPropertySymbols(value).length > 0) refuse(value, index)
    return encodeProperties(value as Record<string, unknown>, index, depth)
  }
  if (Array.isArray(value)) return `[${join(value, index, depth)}]`
  if (value instanceof Date) return `d${value.getTime()},`
  if (value instanceof Map) return `M${join([...value].flat(1), index, depth)}]`
  if (value instanceof Set) return `S${join([...value], index, depth)}]`
  if (value instanceof Uint8Array) return encodeBytes(value)
  return refuse(value, index)
}

function encodeProperties(
  properties: Readonly<Record<string, unknown>>,
  index: number,
  depth: number,
): string {
  const names = Object.keys(properties)
  // Most objects are made in one place and have their names in one order, often this one.
  for (let at = 1; at < names.length; at++) {
    if ((names[at - 1] as string) > (names[at] as string)) {
      names.sort()
      break
    }
  }
  let text = '{'
  for (const name of names) {
    text += `${name.length}:${name}${encode(properties[name], index, depth)}`
  }
  return `${text}}`
}

function join(values: readonly unknown[], index: number, depth: number): string {
  let text = ''
  for (const value of values) text += encode(value, index, depth)
  return text
}

function encodeBytes({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return `b${byteLength}:${Buffer.from(buffer, byteOffset, byteLength).toString('latin1')}`
}

function refuse(value: unknown, index: number): never {
  const shown = inspect(value, { depth: 0, maxStringLength: 60, breakLength: Infinity })
  throw new HotpathError(
    'HOTPATH_MEMO_KEY_INVALID',
    `argument ${index + 1} of a memoised function holds ${shown}, which has no stable key: give ` +
      'memoize a `key` function that names what the result depends on, or pass plain data',
  )
}
