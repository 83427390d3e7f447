import { badRequest } from './errors.ts'

/** The largest id that PostgreSQL's `integer` holds. */
export const maxId = 2 ** 31 - 1

/** Reads an id of a path. @throws ApiError 400 */
export function readId(written: string): number {
  const id = Number(written)
  // One way to write each id, so that nothing is cached under two names.
  if (!/^[1-9][0-9]*$/.test(written) || id > maxId) {
    throw badRequest(`An id is a whole number from 1 to ${maxId}, not "${written}".`)
  }
  return id
}
