import { redirectInvalid } from './fetch-error.ts'
import type { Answer } from './exchange.ts'
import { placeOf, type Target } from './fetch-request.ts'

/**
 * The request that a redirect asks for, by the rules of the Fetch standard (https://fetch.spec.whatwg.org,
 * "HTTP-redirect fetch"); undefined where the answer is none.
 *
 * @throws FetchError HOTPATH_BATCH_REDIRECT_INVALID
 */
export function redirected(target: Target, { status, headers }: Answer): Target | undefined {
  const { location } = headers
  if (!redirectStatuses.has(status) || typeof location !== 'string') return undefined
  const url = URL.parse(location, target.url.href)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw redirectInvalid(placeOf(target), 'it redirects to what is no HTTP address', status)
  }
  url.username = ''
  url.password = ''
  const { method } = target
  const becomesGet =
    (status === 303 && method !== 'HEAD') ||
    ((status === 301 || status === 302) && method === 'POST')
  const dropped = new Set(becomesGet ? bodyHeaders : [])
  if (url.origin !== target.url.origin) for (const name of credentials) dropped.add(name)
  return {
    method: becomesGet ? 'GET' : method,
    url,
    headers: Object.fromEntries(
      Object.entries(target.headers).filter(([name]) => !dropped.has(name)),
    ),
    body: becomesGet ? undefined : target.body,
  }
}

const redirectStatuses = new Set([301, 302, 303, 307, 308])
const bodyHeaders = [
  'content-encoding',
  'content-language',
  'content-location',
  'content-type',
  'content-length',
]
// Meant for the first origin only; `host` would send the second one's answer to the wrong place.
const credentials = ['authorization', 'cookie', 'proxy-authorization', 'host']
