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
  const flaw = findFlaw(value, [])
  if (flaw !== undefined) {
    throw new HotpathError(
      subject.code,
      `${subject.what} cannot be written as JSON: ${flaw}. Hand over plain data`,
    )
  }
  const json = JSON.stringify(value) ?? 'null'
  if (isLonger(json, subject.maxBytes)) {
    throw new HotpathError(
      subject.code,
      `${subject.what} takes ${Buffer.byteLength(json)} bytes as JSON, more than ${subject.maxBytes} (${subject.limitName}). ` +
        'Hand over a reference to it, such as a key in a store',
    )
  }
  return json
}

/** Characters take one to three bytes each, so that most need not be counted. */
function isLonger(json: string, maxBytes: number): boolean {
  if (json.length * 3 <= maxBytes) return false
  return json.length > maxBytes || Buffer.byteLength(json) > maxBytes
}

/** Says what cannot be written, and where. `parents` are the objects on the way to the value. */
function findFlaw(value: unknown, parents: object[], path = ''): string | undefined {
  if (value === null) return undefined
  if (typeof value === 'object') return findFlawInside(value, parents, path)
  if (typeof value === 'number' && !Number.isFinite(value)) return `${place(path)} is ${value}`
  return unwritable.has(typeof value) ? `${place(path)} is a ${typeof value}` : undefined
}

const unwritable = new Set<string>(['bigint', 'function', 'symbol'])

function findFlawInside(value: object, parents: object[], path: string): string | undefined {
  if (parents.includes(value)) return `${place(path)} leads back to an object that holds it`
  if (parents.length > 200) return `${place(path)} is more than 200 levels deep`
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return undefined
  if (value instanceof Map || value instanceof Set || ArrayBuffer.isView(value)) {
    return `${place(path)} is a ${value.constructor.name}`
  }
  parents.push(value)
  for (const [key, inner] of Object.entries(value)) {
    const flaw = findFlaw(inner, parents, path === '' ? key : `${path}.${key}`)
    if (flaw !== undefined) return flaw
  }
  parents.pop()
  return undefined
}

function place(path: string): string {
  return path === '' ? 'it' : path
}
