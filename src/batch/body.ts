import type { IncomingHttpHeaders } from 'node:http'
import type { Answer } from './exchange.ts'
import { bodyInvalid } from './fetch-error.ts'
import { placeOf, type Target } from './fetch-request.ts'

/** What a `parse` function is told besides the body. */
export interface FetchResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Where the request was sent. */
  readonly url: string
}

/**
 * What becomes of a body: JSON (an empty one is `undefined`), text in UTF-8, its bytes, or what a
 * function of one's own makes of them.
 */
export type Parse<T> =
  | 'json'
  | 'text'
  | 'bytes'
  | ((body: Buffer, response: FetchResponse) => T | Promise<T>)

/** What {@link Parse} gives. */
export type Parsed<P> = P extends 'text'
  ? string
  : P extends 'bytes'
    ? Buffer
    : P extends (...args: never[]) => infer R
      ? Awaited<R>
      : unknown

/** @throws FetchError HOTPATH_BATCH_BODY_INVALID; a rejection means the same */
export function parseBody(parse: Parse<unknown>, target: Target, answer: Answer): unknown {
  const { body, headers, status } = answer
  const invalid = (error: unknown): never => {
    throw bodyInvalid(placeOf(target), status, error)
  }
  if (parse === 'bytes') return body
  if (parse === 'text') return text(body)
  try {
    if (parse === 'json') return body.length === 0 ? undefined : JSON.parse(text(body))
    const value = parse(body, { status, headers, url: target.url.href })
    return value instanceof Promise ? value.catch(invalid) : value
  } catch (error) {
    return invalid(error)
  }
}

function text(body: Buffer): string {
  const decoded = body.toString('utf8')
  return decoded.charCodeAt(0) === byteOrderMark ? decoded.slice(1) : decoded
}

const byteOrderMark = 0xfeff
