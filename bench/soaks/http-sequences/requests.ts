import type { Random } from '../../../examples/api/data/random.ts'
import type { CacheableRequest } from '../../../src/http/index.ts'

/** A request as it is behind the app's login. */
export interface AskedRequest extends CacheableRequest {
  readonly user: string | undefined
  readonly role: string | undefined
}

const people = [
  { user: 'ada', role: 'admin' },
  { user: 'ada', role: 'reader' },
  { user: 'bob', role: 'admin' },
  { user: 'bob', role: 'reader' },
  undefined,
  undefined,
] as const
const credentials = ['authorization', 'cookie', 'x-api-key'] as const
const languages = ['de', 'fr', 'FR', ''] as const
// The last two are equal to whoever parses them; whether they have one key is the cache's affair.
const queries = ['?page=1', '?page=2', '?utm=x&page=2', '?p%61ge=2'] as const
const controls = ['no-cache', 'no-store', 'max-age=0', 'only-if-cached'] as const
const codings = ['gzip', 'br', 'gzip;q=0'] as const

/** Draws a request for a path. `etags` are those that anybody has been sent: a client may guess. */
export function drawRequest(random: Random, path: string, etags: readonly string[]): AskedRequest {
  const person = pick(random, people)
  const query = random.chance(0.25) ? pick(random, queries) : ''
  const headers: Record<string, string> = {}
  const sometimes = (ratio: number, name: string, values: readonly string[]) => {
    if (values.length > 0 && random.chance(ratio)) headers[name] = pick(random, values)
  }
  if (person !== undefined) headers[pick(random, credentials)] = `${person.user}/${person.role}`
  sometimes(0.6, 'accept-language', languages)
  sometimes(0.3, 'x-theme', ['dark', 'light'])
  sometimes(0.5, 'accept-encoding', codings)
  sometimes(0.3, 'cache-control', controls)
  sometimes(0.2, 'if-none-match', etags)
  return {
    method: random.chance(0.1) ? 'HEAD' : 'GET',
    url: path + query,
    host: random.chance(0.1) ? 'b.example' : 'a.example',
    headers,
    query: Object.fromEntries(new URLSearchParams(query)),
    user: person?.user,
    role: person?.role,
  }
}

/** The page that a handler reads from the query, as any parser has it. */
export function pageOf({ url }: Pick<AskedRequest, 'url'>): string | undefined {
  return new URLSearchParams(url.split('?')[1]).get('page') ?? undefined
}

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.below(items.length)] as T
}
