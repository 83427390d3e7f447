import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { Random } from '../../../examples/api/data/random.ts'
import { createManualClock, type ManualClock } from '../../../src/core/index.ts'
import {
  createResponseCache,
  ForwardedRequest,
  type CachedRoute,
  type CachedRouteOptions,
  type ReadyAnswer,
  type ResponseCache,
} from '../../../src/http/index.ts'
import { headersOf, makeAnswer } from './answers.ts'
import { objection, type Asked, type RouteTerms, type Sent } from './judge.ts'
import { drawRequest, pick, type AskedRequest } from './requests.ts'

// One sequence of requests by two users in two roles, with and without credentials, to routes that
// share for all, for a user, for a role or not at all. Every answer says for whom it was made, when
// and on what terms, so that it can be told whether whoever gets it may see it.

interface Route {
  readonly terms: RouteTerms
  readonly step: CachedRoute<AskedRequest>
}

const ttlMs = 10_000
const routeOptions: Readonly<Record<RouteTerms['sharedBy'], CachedRouteOptions<AskedRequest>>> = {
  all: { isPublic: true, staleIfErrorMs: 20_000, staleMs: 10_000, query: ['page'] },
  user: {
    key: ({ user }) => user && `user:${user}`,
    staleMs: 10_000,
    staleIfErrorMs: false,
    compress: { minimumBytes: 1 },
  },
  role: { key: ({ role }) => role && `role:${role}`, honoursRequests: true },
  'nobody known': { tags: () => ['page'], honoursRequests: true },
}
const staleMs = { all: 20_000, user: 10_000, role: undefined, 'nobody known': undefined }

/** How many requests there were, and how many were sent what had been made for another. */
export interface SequenceCounts {
  requests: number
  stored: number
}

/**
 * Runs one sequence; the same seed runs the same one.
 *
 * @throws where somebody is sent what is not his to see
 */
export async function runSequence(seed: number, counts: SequenceCounts): Promise<void> {
  const random = new Random(seed)
  const clock = createManualClock()
  await using cache = createResponseCache({ clock, ttlMs, memory: { maxEntries: 20 } })
  const routes = Object.entries(routeOptions).map(([name, options], index): Route => {
    const sharedBy = name as RouteTerms['sharedBy']
    const path = `/${index}`
    const { honoursRequests = false } = options
    const step = cache.route<AskedRequest>({ route: path, scope: '' }, options)
    return { step, terms: { path, sharedBy, ttlMs, staleMs: staleMs[sharedBy], honoursRequests } }
  })
  // On one route alone more is found that is stored.
  const visited = random.chance(0.7) ? [pick(random, routes)] : routes
  const seen = { writes: new Map(), bodies: new Map() }
  const scene = { random, clock, cache, routes: visited, counts, ...seen }
  const length = 10 + random.below(20)
  for (let step = 0; step < length; step++) await takeStep(scene)
}

interface Scene {
  readonly random: Random
  readonly clock: ManualClock
  readonly cache: ResponseCache
  readonly routes: readonly Route[]
  readonly counts: SequenceCounts
  /** How often was written, by host and path. */
  readonly writes: Map<string, number>
  /** What was sent under which entity tag: a 304 stands for it. */
  readonly bodies: Map<string, string>
}

async function takeStep(scene: Scene): Promise<void> {
  const { random, clock, routes } = scene
  if (random.chance(0.1)) clock.advance(pick(random, [500, 2_000, 12_000, 40_000]))
  // Several at once to one route wait for one another where they may, and some are overtaken.
  const route = pick(random, routes)
  const together = Array.from({ length: 1 + random.below(3) }, () => ask(scene, route))
  if (random.chance(0.15)) together.push(write(scene, route))
  await Promise.all(together)
}

async function write({ random, cache, writes }: Scene, { terms }: Route): Promise<void> {
  await turns(random.below(3))
  const host = pick(random, ['a.example', 'b.example'])
  const url = terms.path
  // Half of them are made elsewhere, and name the address that they have changed.
  const [asked, headers] = random.chance(0.5)
    ? [url, {}]
    : ['/forms', { location: `${url}?page=1` }]
  const settled = cache.settleUnsafe({ method: 'POST', host, url: asked }, 303, headers)
  writes.set(host + url, (writes.get(host + url) ?? 0) + 1)
  await settled
}

async function ask(scene: Scene, { step, terms }: Route): Promise<void> {
  const { random, clock, counts, writes, bodies } = scene
  const request = drawRequest(random, terms.path, [...bodies.keys()])
  const writesNow = () => writes.get(request.host + terms.path) ?? 0
  const asked: Asked = {
    request: { ...request, headers: { ...request.headers } },
    writes: writesNow(),
    epochMs: clock.epochMs(),
  }
  counts.requests++

  const key = step.keyOf(request)
  const stored = key === undefined ? undefined : step.peek(key, request)
  let way
  if (key === undefined) way = step.bypass(request)
  else if (stored === undefined) way = await step.enter(key, request, {})
  else way = { stored, isCollapsed: false }

  if (!(way instanceof ForwardedRequest)) {
    check(scene, terms, asked, step.answer(key ?? '', way, request.headers, {}))
    return
  }
  const made = makeAnswer(random, request, clock.epochMs(), writesNow())
  const status = random.chance(0.1) ? 500 : 200
  await turns(random.below(3))
  const body = JSON.stringify(made)
  const finished = way.finish({ status, headers: headersOf(made), body })
  if (finished.instead !== undefined) check(scene, terms, asked, finished.instead)
  // Whoever asks twice at the same instant may be answered with the same bytes.
  const held = bodies.get(asked.request.headers['if-none-match'] ?? '')
  if (finished.isNotModified && held !== body) refuse('a 304 for other bytes', terms, asked, body)
  const { etag } = finished.headers
  if (etag !== undefined) bodies.set(etag, body)
  await turns(2)
}

/** @throws where the answer is not the requester's to see */
function check({ counts, bodies }: Scene, terms: RouteTerms, asked: Asked, answer: ReadyAnswer) {
  if (answer.status === 504) return
  counts.stored++
  const sent = read(answer, bodies)
  const { etag = '', 'content-encoding': coding } = sent.headers
  const { 'accept-encoding': accepted, 'if-none-match': known } = asked.request.headers
  if (answer.status === 304) {
    if (etag !== known) refuse('a 304 for other bytes', terms, asked, sent.body)
  } else {
    if (coding !== undefined && coding !== accepted) refuse('a coding', terms, asked, sent.body)
    bodies.set(etag, sent.body)
  }
  const why = objection(terms, asked, sent)
  if (why !== undefined) refuse(why, terms, asked, sent.body)
}

function refuse(why: string, { sharedBy }: RouteTerms, asked: Asked, body: string): never {
  throw new Error(`${why}: ${JSON.stringify(asked)} of a route shared by ${sharedBy} got ${body}`)
}

function read({ status, head, body }: ReadyAnswer, bodies: Scene['bodies']): Sent {
  const headers: Record<string, string> = {}
  for (let at = 0; at < head.length; at += 2) headers[head[at] ?? ''] = head[at + 1] ?? ''
  if (status === 304) return { headers, body: bodies.get(headers['etag'] ?? '') ?? '' }
  const bytes = Buffer.from(body ?? '')
  const coding = headers['content-encoding']
  if (coding === 'gzip') return { headers, body: gunzipSync(bytes).toString() }
  if (coding === 'br') return { headers, body: brotliDecompressSync(bytes).toString() }
  return { headers, body: bytes.toString() }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate)
}
