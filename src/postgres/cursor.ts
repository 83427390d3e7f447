import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { cursorInvalid } from './errors.ts'

/** Where a page ends: the values of the order's columns in its last row, as PostgreSQL writes them. */
export type Position = readonly (string | null)[]

// Goes up when the form of a cursor changes, so that an old one is refused rather than misread.
const version = 1

/** Writes positions as opaque texts and reads them back; for one order of rows. */
export class CursorCodec {
  readonly #secret: string | undefined
  readonly #nullable: readonly boolean[]
  /** Tells the orders apart: a cursor of another list is not one of this. */
  readonly #order: string

  constructor(order: string, nullable: readonly boolean[], secret: string | undefined) {
    this.#secret = secret
    this.#nullable = nullable
    this.#order = createHash('sha256').update(order).digest('base64url').slice(0, 8)
  }

  write(position: Position): string {
    const payload = Buffer.from(JSON.stringify([version, this.#order, ...position]))
    const text = payload.toString('base64url')
    return this.#secret === undefined ? text : `${text}.${sign(text, this.#secret)}`
  }

  /** @throws HotpathError HOTPATH_POSTGRES_CURSOR_INVALID */
  read(cursor: unknown): Position {
    const [readVersion, order, ...position] = parse(this.#verify(cursor))
    if (readVersion !== version) throw cursorInvalid('it is of another version')
    if (order !== this.#order) throw cursorInvalid('it belongs to another list')
    if (!isPosition(position, this.#nullable)) throw cursorInvalid('it is damaged')
    return position
  }

  #verify(cursor: unknown): string {
    if (typeof cursor !== 'string') throw cursorInvalid('it is no text')
    if (this.#secret === undefined) return cursor
    const [text = '', signature = ''] = cursor.split('.', 2)
    const expected = Buffer.from(sign(text, this.#secret))
    const given = Buffer.from(signature)
    // The length is no secret; the comparison must not tell how much of the rest was right.
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw cursorInvalid('its signature does not fit')
    }
    return text
  }
}

function sign(text: string, secret: string): string {
  return createHmac('sha256', secret).update(text).digest('base64url')
}

function parse(text: string): unknown[] {
  try {
    const payload: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    return Array.isArray(payload) ? payload : []
  } catch {
    throw cursorInvalid('it is damaged')
  }
}

function isPosition(values: unknown[], nullable: readonly boolean[]): values is (string | null)[] {
  if (values.length !== nullable.length) return false
  return values.every((value, index) =>
    value === null ? nullable[index] : typeof value === 'string' && !value.includes('\0'),
  )
}
