import { badRequest } from './errors.ts'
import { maxId } from './ids.ts'

/** Where a page begins: after the post with this time and id, the newest posts first. */
export interface Position {
  /** A time as PostgreSQL reads it. */
  readonly createdAt: string
  readonly id: number
}

const newest: Position = { createdAt: 'infinity', id: maxId }

// Years 1 to 9999: what both JavaScript and PostgreSQL can tell.
const earliestMs = Date.parse('0001-01-01T00:00:00Z')
const latestMs = Date.parse('9999-12-31T23:59:59.999Z')

/** The cursor of the page after this post. */
export function cursorAfter(post: { createdAt: Date; id: number }): string {
  return Buffer.from(`${post.createdAt.getTime()}.${post.id}`).toString('base64url')
}

/** Reads `?cursor=`; without one, or with an empty one, the first page. @throws ApiError 400 */
export function readCursor(cursor: string | undefined): Position {
  if (cursor === undefined || cursor === '') return newest
  const text = Buffer.from(cursor, 'base64url').toString('latin1')
  const [, ms, id] = /^(-?[0-9]{1,15})\.([1-9][0-9]{0,9})$/.exec(text) ?? []
  const createdAt = new Date(Number(ms))
  const position = { createdAt, id: Number(id) }
  const isOurs =
    Number(ms) >= earliestMs &&
    Number(ms) <= latestMs &&
    position.id <= maxId &&
    cursorAfter(position) === cursor
  if (!isOurs) {
    throw badRequest('The cursor is none of ours: take nextCursor of the page before as it is.')
  }
  return { createdAt: createdAt.toISOString(), id: position.id }
}
