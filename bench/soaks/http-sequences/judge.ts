import type { Made } from './answers.ts'
import { pageOf, type AskedRequest } from './requests.ts'

/** What a route promises about who is sent the same bytes, and for how long at most. */
export interface RouteTerms {
  readonly path: string
  readonly sharedBy: 'all' | 'user' | 'role' | 'nobody known'
  readonly ttlMs: number
  /** Of `staleMs` and `staleIfErrorMs` the longer one; `undefined` where responses decide alone. */
  readonly staleMs: number | undefined
  readonly honoursRequests: boolean
}

/** A request, and how things stood when it came. */
export interface Asked {
  readonly request: AskedRequest
  readonly writes: number
  readonly epochMs: number
}

/** What somebody was sent who did not run the handler himself. */
export interface Sent {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/** Why these bytes are not this requester's to see; `undefined` where they are. */
export function objection(terms: RouteTerms, asked: Asked, sent: Sent): string | undefined {
  const made = JSON.parse(sent.body) as Made
  return (
    anotherPlace(asked, made) ??
    anotherViewer(terms, asked, made) ??
    keptAgainstItsWill(terms, made, sent) ??
    anotherVariant(asked, made) ??
    tooLate(terms, asked, made)
  )
}

function anotherPlace({ request }: Asked, made: Made): string | undefined {
  if (made.request.host !== request.host) return 'another host'
  if (pathOf(made.request) !== pathOf(request)) return 'another path'
  return made.page === pageOf(request) ? undefined : 'another page'
}

function anotherViewer({ sharedBy }: RouteTerms, asked: Asked, made: Made): string | undefined {
  const { user, role } = asked.request
  if (sharedBy === 'user' && made.request.user !== user) return 'another user'
  if (sharedBy === 'role' && made.request.role !== role) return 'another role'
  if (sharedBy !== 'nobody known' || (made.request.user ?? user) === undefined) return undefined
  return 'a known user on a route that does not say who may see what'
}

function keptAgainstItsWill(
  { sharedBy, honoursRequests }: RouteTerms,
  { said, setsCookie, request }: Made,
  { headers }: Sent,
): string | undefined {
  const hasViewer = sharedBy === 'user' || sharedBy === 'role'
  if (said.sharedWith === 'nobody') return 'an answer that was not to be kept'
  if (said.sharedWith === 'viewer' && !hasViewer) return 'a private answer'
  if (setsCookie || headers['set-cookie'] !== undefined) return 'an answer that sets a cookie'
  if (request.method !== 'GET') return 'an answer to a HEAD'
  if (honoursRequests && request.headers['cache-control'] === 'no-store') {
    return 'an answer to somebody who wanted nothing of it kept'
  }
  // Where the key names the viewer, what is private is his.
  const isHidden = said.hides === true && !(hasViewer && said.text?.startsWith('private') === true)
  return isHidden && headers['x-secret'] !== undefined
    ? 'a field that was to be left out'
    : undefined
}

function anotherVariant({ request }: Asked, made: Made): string | undefined {
  for (const name of (made.vary ?? '').toLowerCase().split(/,\s*/)) {
    if (name === '') continue
    if (!['accept-language', 'x-theme'].includes(name)) return 'an answer that varies by who asks'
    // Languages mean the same in capitals; a header that is empty is not one that is missing.
    const lower = (of: AskedRequest) => of.headers[name]?.toString().toLowerCase()
    if (lower(made.request) !== lower(request)) return `another ${name}`
  }
  return undefined
}

function tooLate(terms: RouteTerms, asked: Asked, made: Made): string | undefined {
  if (made.writes < asked.writes) return 'what was there before a write'
  const { said } = made
  const freshMs = Math.min(said.freshMs ?? Infinity, terms.ttlMs)
  const staleMs = Math.min(said.staleMs ?? terms.staleMs ?? 0, terms.staleMs ?? Infinity)
  return asked.epochMs - made.epochMs >= freshMs + staleMs ? 'what is past its time' : undefined
}

function pathOf({ url }: AskedRequest): string {
  return url.split('?', 1)[0] ?? ''
}
