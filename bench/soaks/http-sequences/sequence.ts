import { Random } from '../../../examples/api/data/random.ts'
import { createManualClock, type ManualClock } from '../../../src/core/index.ts'
import {
  createResponseCache,
  ForwardedRequest,
  type CacheableRequest,
  type CachedRoute,
  type CachedRouteOptions,
  type ResponseCache,
  type ResponseHeaders,
} from '../../../src/http/index.ts'

// One sequence of requests by two users in two roles, with and without credentials, to routes that
// share for all, for a user, for a role or not at all. Every answer names whom it was made for and
// what of the request it depends on, so that whoever gets it can tell whether it is his.

/** A request as it is behind the app's login. */
interface AskedRequest extends CacheableRequest {
  readonly user: string | undefined
  readonly role: string | undefined
}

interface Route {
  readonly path: string
  /** Who may be sent the same bytes. */
  readonly sharedBy: 'all' | 'user' | 'role' | 'nobody known'
  readonly step: CachedRoute<AskedRequest>
}

const people = [
  { user: 'ada', role: 'admin' },
  { user: 'ada', role: 'reader' },
  { user: 'bob', role: 'admin' },
  { user: 'bob', role: 'reader' },
  undefined,
] as const
const languages = ['de', 'fr', undefined] as const
const varies = [
  undefined,
  undefined,
  undefined,
  undefined,
  'accept-language',
  'accept-language',
  'Accept-Language, X-Theme',
  'cookie',
  '*',
]
const responseControls = [
  undefined,
  undefined,
  undefined,
  undefined,
  'public, max-age=60',
  'public, max-age=30',
  'private',
  'private="x-secret"',
  'no-store',
  'no-cache',
  'max-age=1, stale-while-revalidate=20',
  'max-age=1, stale-if-error=20',
  's-maxage=5',
  'must-revalidate, max-age=2',
] as const
const requestControls = [
  undefined,
  undefined,
  'no-cache',
  'no-store',
  'max-age=0',
  'only-if-cached',
]

const routeOptions: Readonly<Record<Route['sharedBy'], CachedRouteOptions<AskedRequest>>> = {
  all: { isPublic: true, staleIfErrorMs: 20_000, staleMs: 10_000 },
  user: { key: ({ user }) => user && `user:${user}`, staleMs: 10_000, compress: true },
  role: { key: ({ role }) => role && `role:${role}`, honoursRequests: true },
  'nobody known': { tags: () => ['page'], honoursRequests: true },
}

/** What a handler has answered with, as its body says it. */
interface Made {
  readonly path: string
  readonly user: string | undefined
  readonly role: string | undefined
  readonly language: string | undefined
  readonly theme: string | undefined
  readonly vary: string | undefined
  readonly isPrivate: boolean
}

/** How many answers came from where. */
export interface SequenceCounts {
  requests: number
  stored: number
}

/**
 * Runs one sequence; the same seed runs the same one.
 *
 * @throws where somebody is sent what was made for somebody else
 */
export async function runSequence(seed: number, counts: SequenceCounts): Promise<void> {
  const random = new Random(seed)
  const clock = createManualClock()
  await using cache = createResponseCache({ clock, ttlMs: 10_000, memory: { maxEntries: 20 } })
  const routes = Object.entries(routeOptions).map(([sharedBy, options], index): Route => {
    const path = `/${index}`
    const step = cache.route<AskedRequest>({ route: path, scope: '' }, options)
    return { path, sharedBy: sharedBy as Route['sharedBy'], step }
  })
  const length = 10 + random.below(20)
  for (let step = 0; step < length; step++) await takeStep({ random, clock, cache, routes, counts })
}

interface Scene {
  readonly random: Random
  readonly clock: ManualClock
  readonly cache: ResponseCache
  readonly routes: readonly Route[]
  readonly counts: SequenceCounts
}

async function takeStep(scene: Scene): Promise<void> {
  const { random, clock, cache, routes } = scene
  const kind = random.below(15)
  if (kind === 0) {
    clock.advance([500, 2_000, 12_000, 40_000][random.below(4)] ?? 0)
  } else if (kind === 1) {
    const { path } = pick(random, routes)
    await cache.settleUnsafe({ method: 'POST', host: 'a.example', url: path }, 204, {})
  } else {
    // Several at once to one route: they wait for one another where they may.
    const route = pick(random, routes)
    const together = 1 + random.below(3)
    await Promise.all(Array.from({ length: together }, () => ask(scene, route)))
  }
}

async function ask({ random, counts }: Scene, route: Route): Promise<void> {
  const request = drawRequest(random, route)
  const vary = pick(random, varies)
  const control = pick(random, responseControls)
  const isFailing = random.chance(0.1)
  const { step } = route
  counts.requests++

  const key = step.keyOf(request)
  const stored = key === undefined ? undefined : step.peek(key, request)
  let way
  if (key === undefined) way = step.bypass(request)
  else if (stored === undefined) way = await step.enter(key, request, {})
  else way = { stored, isCollapsed: false }

  if (!(way instanceof ForwardedRequest)) {
    const { status, body } = step.answer(key ?? '', way, request.headers, {})
    if (status !== 200) return
    counts.stored++
    judge(route, request, String(body))
    return
  }
  await turns(random.below(3))
  const made: Made = {
    path: route.path,
    user: request.user,
    role: request.role,
    language: request.headers['accept-language'],
    theme: String(request.headers['x-theme'] ?? ''),
    vary,
    isPrivate: control?.startsWith('private') === true && !control.includes('='),
  }
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (vary !== undefined) headers['vary'] = vary
  if (control !== undefined) headers['cache-control'] = control
  if (random.chance(0.05)) headers['set-cookie'] = `user=${request.user}`
  const answered: ResponseHeaders = headers
  const status = isFailing ? 500 : 200
  const finished = way.finish({ status, headers: answered, body: JSON.stringify(made) })
  if (finished.instead?.body !== undefined && finished.instead.status === 200) {
    counts.stored++
    judge(route, request, String(finished.instead.body))
  }
  await turns(2)
}

function drawRequest(random: Random, route: Route): AskedRequest {
  const person = pick(random, people)
  const language = pick(random, languages)
  const control = pick(random, requestControls)
  const headers: Record<string, string> = {}
  // Some send a cookie, some an Authorization: both say who asks.
  if (person !== undefined) {
    headers[random.chance(0.5) ? 'authorization' : 'cookie'] = `${person.user}/${person.role}`
  }
  if (language !== undefined) headers['accept-language'] = language
  if (random.chance(0.3)) headers['x-theme'] = pick(random, ['dark', 'light'])
  if (control !== undefined) headers['cache-control'] = control
  return {
    method: random.chance(0.1) ? 'HEAD' : 'GET',
    url: route.path,
    host: 'a.example',
    headers,
    query: {},
    user: person?.user,
    role: person?.role,
  }
}

/** @throws where the bytes are not this requester's to see */
function judge({ path, sharedBy }: Route, request: AskedRequest, body: string): void {
  const made = JSON.parse(body) as Partial<Made>
  const refuse = (why: string) => {
    throw new Error(
      `${why}: ${JSON.stringify(request)} of a route shared by ${sharedBy} got ${body}`,
    )
  }
  if (made.path !== path) refuse('another page')
  if (sharedBy === 'user' && made.user !== request.user) refuse('another user')
  if (sharedBy === 'role' && made.role !== request.role) refuse('another role')
  if (sharedBy === 'nobody known' && (made.user ?? request.user) !== undefined) {
    refuse('a known user on a route that does not say who may see what')
  }
  if (made.isPrivate === true && (sharedBy === 'all' || sharedBy === 'nobody known')) {
    refuse('a private answer')
  }
  const names = (made.vary ?? '').toLowerCase()
  if (names.includes('cookie') || names.includes('*')) refuse('an answer that varies by who asks')
  const { 'accept-language': language } = request.headers
  if (names.includes('accept-language') && made.language !== language) refuse('another language')
  if (names.includes('x-theme') && made.theme !== String(request.headers['x-theme'] ?? '')) {
    refuse('another theme')
  }
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.below(items.length)] as T
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate)
}
