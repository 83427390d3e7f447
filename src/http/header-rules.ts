import type { IncomingHttpHeaders } from 'node:http'

/** Headers of a response, with names in lower case, as frameworks hand them out. */
export type ResponseHeaders = Readonly<
  Record<string, number | string | readonly string[] | undefined>
>

// Headers that belong to one exchange and not to what was asked for. They are never stored; those
// who set them (hooks, the server, this cache) set them anew on every hit.
const neverStored = new Set([
  // of the connection (RFC 9110, 7.6.1)
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // of the message
  'age',
  'cache-status',
  'content-length',
  'date',
  // of the one who asks
  'clear-site-data',
  'request-id',
  'retry-after',
  'server-timing',
  'set-cookie',
  'traceparent',
  'tracestate',
  'www-authenticate',
  'x-correlation-id',
  'x-request-id',
  'x-response-time',
])
const neverStoredPrefixes = ['access-control-', 'ratelimit', 'x-ratelimit']

/** False for what belongs to one exchange only. The name is in lower case. */
export function isStoredHeader(name: string): boolean {
  return !neverStored.has(name) && !neverStoredPrefixes.some((prefix) => name.startsWith(prefix))
}

// Who sends one of these is known to the app, and may be answered what nobody else may see.
const credentials = ['authorization', 'cookie', 'proxy-authorization', 'x-api-key', 'x-auth-token']

/** True for a request header that says who asks. The name is in lower case. */
export function isCredential(name: string): boolean {
  return credentials.includes(name)
}

/** True when a request says who asks. */
export function hasCredentials(headers: IncomingHttpHeaders): boolean {
  for (const name of credentials) if (headers[name] !== undefined) return true
  return false
}

/** What a 304 repeats of the stored head (RFC 9110, 15.4.5), and what is about this cache. */
export const notModifiedHeaders: ReadonlySet<string> = new Set([
  'age',
  'cache-control',
  'cache-status',
  'content-location',
  'etag',
  'expires',
  'vary',
])

/** The members of a header that is a list, in lower case. */
export function listMembers(value: unknown): string[] {
  if (value === undefined) return []
  return String(value)
    .toLowerCase()
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '')
}
