import { HotpathError, type HotpathErrorCode } from '../core/index.ts'

/** What {@link toJson} is about, for its errors. */
export interface JsonSubject {
  readonly code: HotpathErrorCode
  /** As the message begins: `the input of the task resize`. */
  readonly what: string
  readonly maxBytes: number
  /** The option that sets `maxBytes`. */
  readonly limitName: string
}

/**
 * Writes a value as JSON. What JSON.stringify leaves out in silence (functions, symbols, NaN, the
 * entries of a Map) is refused: it would be missing minutes later, in another process.
 *
 * @throws HotpathError of the subject's code
 */
export function toJson(value: unknown, subject: JsonSubject): string {
  const json = write(value, subject)
  if (isLonger(json, subject.maxBytes)) {
    throw new HotpathError(
      subject.code,
      `${subject.what} takes ${Buffer.byteLength(json)} bytes as JSON, more than ${subject.maxBytes} (${subject.limitName}). ` +
        'Hand over a reference to it, such as a key in a store',
    )
  }
  return json
}

function write(value: unknown, { code, what }: JsonSubject): string {
  let reason: string
  try {
    const flaw = findFlaw(value, [])
    if (flaw === undefined) return JSON.stringify(value) ?? 'null'
    reason = `${flaw.keys.join('.') || 'it'} ${flaw.problem}`
  } catch (error) {
    // A getter or a toJSON of the caller's.
    reason = String(error)
  }
  throw new HotpathError(code, `${what} cannot be written as JSON: ${reason}. Hand over plain data`)
}

/** Characters take one to three bytes each, so that most need not be counted. */
function isLonger(json: string, maxBytes: number): boolean {
  if (json.length * 3 <= maxBytes) return false
  return json.length > maxBytes || Buffer.byteLength(json) > maxBytes
}

/** What cannot be written, and the keys that lead to it. */
interface Flaw {
  readonly keys: string[]
  readonly problem: string
}

/** `parents` are the objects on the way to the value. */
function findFlaw(value: unknown, parents: object[]): Flaw | undefined {
  if (value === null) return undefined
  if (typeof value === 'object') return findFlawInside(value, parents)
  if (typeof value === 'number' && !Number.isFinite(value)) return flaw(`is ${value}`)
  return unwritable.has(typeof value) ? flaw(`is a ${typeof value}`) : undefined
}

const unwritable = new Set<string>(['bigint', 'function', 'symbol'])

/** Of these JSON.stringify makes `{}`. */
const unwritableClasses = [Map, Set, WeakMap, WeakSet, Promise, Error, RegExp, ArrayBuffer]

function findFlawInside(value: object, parents: object[]): Flaw | undefined {
  if (parents.includes(value)) return flaw('leads back to an object that holds it')
  if (parents.length > 200) return flaw('is more than 200 levels deep')
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return undefined
  if (ArrayBuffer.isView(value) || unwritableClasses.some((one) => value instanceof one)) {
    return flaw(`is a ${value.constructor.name}`)
  }
  parents.push(value)
  for (const [key, inner] of Object.entries(value)) {
    const found = findFlaw(inner, parents)
    if (found === undefined) continue
    found.keys.unshift(key)
    return found
  }
  parents.pop()
  return undefined
}

function flaw(problem: string): Flaw {
  return { keys: [], problem }
}
