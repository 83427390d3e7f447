import type { Random } from '../../../examples/api/data/random.ts'
import { pageOf, pick, type AskedRequest } from './requests.ts'

/** What a handler says of its answer: the text, and apart from any parser what it means. */
export interface Said {
  readonly text: string | undefined
  /** Who else may be sent it; `viewer` is whoever the key of the route names. */
  readonly sharedWith: 'all' | 'viewer' | 'nobody'
  readonly freshMs?: number
  /** How long after that it allows itself to be sent stale; without it the route says. */
  readonly staleMs?: number
  /** The field `x-secret` is for the one who asked. */
  readonly hides?: boolean
}

const plain: Said = { text: undefined, sharedWith: 'all' }
const said: readonly Said[] = [
  { text: 'public, max-age=60', sharedWith: 'all', freshMs: 60_000 },
  { text: 'max-age=3', sharedWith: 'all', freshMs: 3_000 },
  { text: 'private', sharedWith: 'viewer' },
  { text: 'private="x-secret"', sharedWith: 'all', hides: true },
  { text: 'no-cache="x-secret"', sharedWith: 'all', hides: true },
  { text: 'no-store', sharedWith: 'nobody' },
  { text: 'no-cache', sharedWith: 'nobody' },
  {
    text: 'max-age=1, stale-while-revalidate=20',
    sharedWith: 'all',
    freshMs: 1_000,
    staleMs: 20_000,
  },
  { text: 'max-age=1, stale-if-error=20', sharedWith: 'all', freshMs: 1_000, staleMs: 20_000 },
  { text: 's-maxage=5, max-age=1', sharedWith: 'all', freshMs: 5_000, staleMs: 0 },
  { text: 'must-revalidate, max-age=2', sharedWith: 'all', freshMs: 2_000, staleMs: 0 },
]
const varies = [
  'accept-language',
  'accept-language',
  'Accept-Language, X-Theme',
  'X-Theme',
  'Cookie',
  'authorization',
  '*',
]

/** What a handler has answered with, as its body says it: for whom, when, and on what terms. */
export interface Made {
  readonly request: AskedRequest
  readonly page: string | undefined
  readonly vary: string | undefined
  readonly said: Said
  readonly setsCookie: boolean
  readonly epochMs: number
  /** How many writes the handler has seen. */
  readonly writes: number
}

/** Makes the answer of a handler that begins now. */
export function makeAnswer(
  random: Random,
  request: AskedRequest,
  epochMs: number,
  writes: number,
): Made {
  return {
    // As it is now: the cache takes away the conditions of one that goes to its handler.
    request: { ...request, headers: { ...request.headers } },
    page: pageOf(request),
    vary: random.chance(0.5) ? pick(random, varies) : undefined,
    said: random.chance(0.5) ? pick(random, said) : plain,
    setsCookie: random.chance(0.05),
    epochMs,
    writes,
  }
}

export function headersOf({ vary, said, setsCookie, request }: Made): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'x-secret': `of ${request.user}`,
  }
  if (vary !== undefined) headers['vary'] = vary
  if (said.text !== undefined) headers['cache-control'] = said.text
  if (setsCookie) headers['set-cookie'] = `user=${request.user}`
  return headers
}
