import { describe, expect, test } from 'vitest'
import { createManualClock } from '../core/index.ts'
import { createResponseCache, ForwardedRequest, type CachedRouteOptions } from './index.ts'
import type { CachedRoute, Found } from './cached-route.ts'
import type { CacheableRequest } from './route-options.ts'

const ttlMs = 60_000

function open(options: CachedRouteOptions<CacheableRequest>) {
  const clock = createManualClock()
  const cache = createResponseCache({ clock, ttlMs })
  return { clock, cache, route: cache.route({ route: '/page', scope: '' }, options) }
}

function page(headers: Record<string, string> = {}): CacheableRequest {
  return { method: 'GET', url: '/page', host: 'a.example', headers, query: {} }
}

type Route = CachedRoute<CacheableRequest>

async function arrive(route: Route, request = page()): Promise<Found | ForwardedRequest> {
  const key = route.keyOf(request) ?? ''
  const stored = route.peek(key, request)
  return stored === undefined ? route.enter(key, request, {}) : { stored, isCollapsed: false }
}

async function forward(route: Route, request = page()): Promise<ForwardedRequest> {
  const way = await arrive(route, request)
  if (way instanceof ForwardedRequest) return way
  throw new Error('answered from the cache')
}

function statusOf(head: readonly string[]): string | undefined {
  return head[head.indexOf('cache-status') + 1]
}

function ok(body: string, cacheControl?: string) {
  const headers = cacheControl === undefined ? {} : { 'cache-control': cacheControl }
  return { status: 200, headers, body }
}

/** What a request gets that is not sent to the handler. */
async function served(route: Route, request = page()): Promise<[body: string, status: unknown]> {
  const way = await arrive(route, request)
  if (way instanceof ForwardedRequest) throw new Error('sent to the handler')
  const { body, head } = route.answer('', way, request.headers, {})
  return [String(body), statusOf(head)]
}

const kept = () => new Promise(setImmediate)

describe('while the handler makes a new response (stale-while-revalidate)', () => {
  test('one request waits for it, and all others are served the stale one', async () => {
    const { clock, route } = open({ staleMs: 30_000 })
    ;(await forward(route)).finish(ok('old'))
    await kept()
    clock.advance(ttlMs + 5_000)
    const refresh = await forward(route)
    expect(await served(route)).toEqual(['old', 'hotpath; hit; ttl=-5; detail=stale'])
    const { headers } = refresh.finish(ok('new'))
    expect(headers['cache-status']).toBe('hotpath; fwd=stale; stored')
    await kept()
    expect(await served(route)).toEqual(['new', 'hotpath; hit'])
  })

  test('also where a tag has expired before its time', async () => {
    const { cache, route } = open({ staleMs: 30_000, tags: () => ['page'] })
    ;(await forward(route)).finish(ok('old'))
    await kept()
    await cache.cache.expireTags(['page'])
    const refresh = await forward(route)
    expect(await served(route)).toEqual(['old', 'hotpath; hit; detail=stale'])
    refresh.finish(ok('new'))
    await kept()
    expect(await served(route)).toEqual(['new', 'hotpath; hit'])
  })

  test('not beyond its bound', async () => {
    const { clock, route } = open({ staleMs: 30_000 })
    ;(await forward(route)).finish(ok('old'))
    await kept()
    clock.advance(ttlMs + 30_000)
    const { headers } = (await forward(route)).finish(ok('new'))
    expect(headers['cache-status']).toBe('hotpath; fwd=uri-miss; stored')
  })

  test('the response may ask for it by itself, and for less than the route allows', async () => {
    const { clock, route } = open({})
    ;(await forward(route)).finish(ok('old', 'max-age=10, stale-while-revalidate=5'))
    await kept()
    clock.advance(14_000)
    const refresh = await forward(route)
    expect((await served(route))[0]).toBe('old')
    refresh.finish(ok('new', 'max-age=10'))
    await kept()
    clock.advance(10_000)
    expect(await arrive(route)).toBeInstanceOf(ForwardedRequest)
  })

  test('never where the response must be revalidated', async () => {
    const { clock, route } = open({ staleMs: 30_000, staleIfErrorMs: 30_000 })
    ;(await forward(route)).finish(ok('old', 'max-age=10, must-revalidate'))
    await kept()
    clock.advance(10_000)
    const refused = (await forward(route)).finish({ status: 500, headers: {}, body: 'no' })
    expect(refused.instead).toBeUndefined()
  })
})

describe('where the handler fails (stale-if-error)', () => {
  const failed = { status: 503, headers: {}, body: 'down' }

  test('its own request and all who wait are sent what is stored', async () => {
    const { clock, route } = open({ staleIfErrorMs: 300_000 })
    ;(await forward(route)).finish(ok('old'))
    await kept()
    clock.advance(ttlMs + 7_000)
    const leader = await forward(route)
    const follower = served(route)
    const { instead } = leader.finish(failed)
    expect(instead).toMatchObject({ status: 200, body: 'old' })
    expect(statusOf(instead?.head ?? [])).toBe(
      'hotpath; fwd=stale; fwd-status=503; detail=stale-if-error',
    )
    expect(await follower).toEqual(['old', 'hotpath; hit; ttl=-7; detail=stale'])
  })

  test('a handler that throws fails before its answer is there', async () => {
    const { clock, route } = open({ staleIfErrorMs: 300_000 })
    ;(await forward(route)).finish(ok('old'))
    await kept()
    clock.advance(ttlMs)
    const leader = await forward(route)
    const follower = served(route)
    expect(leader.fail()).toBe(true)
    expect((await follower)[0]).toBe('old')
    expect(leader.finish(failed).instead?.body).toBe('old')
  })

  test('a client that has what is stored gets a 304', async () => {
    const { clock, route } = open({ staleIfErrorMs: 300_000 })
    const { headers } = (await forward(route)).finish(ok('old'))
    await kept()
    clock.advance(ttlMs)
    const known = page({ 'if-none-match': headers['etag'] ?? '' })
    expect((await forward(route, known)).finish(failed).instead?.status).toBe(304)
  })

  test('what varies is sent to those whom it was made for only', async () => {
    const { clock, route } = open({ staleIfErrorMs: 300_000 })
    const german = page({ 'accept-language': 'de' })
    const french = page({ 'accept-language': 'fr' })
    const inGerman = { ...ok('hallo'), headers: { vary: 'accept-language' } }
    ;(await forward(route, german)).finish(inGerman)
    await kept()
    clock.advance(ttlMs)
    expect((await forward(route, french)).finish(failed).instead).toBeUndefined()
  })

  test('without anything stored the failure is sent, and nobody waits for it', async () => {
    const { route } = open({ staleIfErrorMs: 300_000 })
    const leader = await forward(route)
    expect(leader.fail()).toBe(false)
    const { instead, headers } = leader.finish(failed)
    expect(instead).toBeUndefined()
    expect(headers['cache-status']).toBe('hotpath; fwd=uri-miss; detail=status-503')
  })

  test('beyond its bound the failure is sent', async () => {
    const { clock, route } = open({ staleIfErrorMs: 300_000 })
    ;(await forward(route)).finish(ok('old'))
    await kept()
    clock.advance(ttlMs + 300_000)
    expect((await forward(route)).finish(failed).instead).toBeUndefined()
  })
})

describe('an answer that is not kept', () => {
  test.each([
    ['gone', { status: 404, headers: {}, body: 'gone' }],
    ['for one', ok('mine', 'private')],
    ['for nobody', ok('secret', 'no-store')],
  ])('ends what it was to replace: %s', async (_, answer) => {
    const { clock, route } = open({ staleMs: 30_000, staleIfErrorMs: 300_000 })
    ;(await forward(route)).finish(ok('old'))
    await kept()
    clock.advance(ttlMs)
    ;(await forward(route)).finish(answer)
    await kept()
    const next = await forward(route)
    const failed = next.finish({ status: 503, headers: {}, body: 'down' })
    expect(failed.instead).toBeUndefined()
    expect(failed.headers['cache-status']).toBe('hotpath; fwd=uri-miss; detail=status-503')
  })
})
