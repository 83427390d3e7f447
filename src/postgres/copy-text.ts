import pg from 'pg'
import { queryInvalid } from './errors.ts'

// COPY's text format (PostgreSQL, "COPY", "File Formats"). What a value becomes follows what pg makes
// of a parameter, so that a row is the same whichever way it goes in.

/** One row, its end included. */
export function encodeRow(values: readonly unknown[]): string {
  let line = encodeField(values[0])
  for (let at = 1; at < values.length; at++) line += `\t${encodeField(values[at])}`
  return `${line}\n`
}

const special = /[\\\n\r\t]/
const everySpecial = /[\\\n\r\t]/g
const escapes: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function encodeField(value: unknown): string {
  if (typeof value === 'number') return String(value)
  const text = typeof value === 'string' ? value : textOf(value)
  if (text === null) return '\\N'
  if (!special.test(text)) return text
  return text.replace(everySpecial, (character) => escapes[character] ?? character)
}

function textOf(value: unknown): string | null {
  if (value === null) return null
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') {
    return String(value)
  }
  if (typeof value !== 'object') {
    throw queryInvalid(`a value of a row is ${typeof value}; give null if you mean that`)
  }
  if (value instanceof Date) return dateText(value)
  if (ArrayBuffer.isView(value)) return `\\x${hex(value)}`
  if (Array.isArray(value)) return arrayText(value)
  if ('toPostgres' in value && typeof value.toPostgres === 'function') {
    return textOf(value.toPostgres(textOf))
  }
  return JSON.stringify(value)
}

function arrayText(values: readonly unknown[]): string {
  return `{${values.map(elementText).join(',')}}`
}

function elementText(value: unknown): string {
  if (value === null || value === undefined) return 'NULL'
  if (Array.isArray(value)) return arrayText(value)
  return `"${(textOf(value) ?? '').replace(/[\\"]/g, '\\$&')}"`
}

function hex({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('hex')
}

// Local time with its offset, as pg has it: in a column without a time zone, the offset is dropped.
function dateText(date: Date): string {
  if (Number.isNaN(date.getTime())) throw queryInvalid('a value of a row is an invalid date')
  const isUtc = pg.defaults.parseInputDatesAsUTC
  const offsetMinutes = isUtc ? 0 : -date.getTimezoneOffset()
  const local = new Date(date.getTime() + offsetMinutes * 60_000)
  const year = local.getUTCFullYear()
  const isBeforeChrist = year < 1
  const time = local.toISOString().slice(-20, -1)
  const sign = offsetMinutes < 0 ? '-' : '+'
  const minutes = Math.abs(offsetMinutes)
  const zone = `${sign}${padded(Math.floor(minutes / 60), 2)}:${padded(minutes % 60, 2)}`
  return `${padded(isBeforeChrist ? 1 - year : year, 4)}${time}${zone}${isBeforeChrist ? ' BC' : ''}`
}

function padded(value: number, length: number): string {
  return String(value).padStart(length, '0')
}

/** The fields of one row, without its end. */
export function decodeRow(line: string): (string | null)[] {
  return line.split('\t').map((field) => {
    if (field === '\\N') return null
    return field.includes('\\') ? field.replace(/\\(.)/gs, unescaped) : field
  })
}

const unescapes: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

function unescaped(_all: string, character: string): string {
  return unescapes[character] ?? character
}
