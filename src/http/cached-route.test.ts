import fc from 'fast-check'
import type { IncomingHttpHeaders } from 'node:http'
import { describe, expect, test } from 'vitest'
import { createManualClock, listen } from '../core/index.ts'
import {
  createResponseCache,
  ForwardedRequest,
  type CacheableRequest,
  type CachedRoute,
  type CachedRouteOptions,
  type ResponseHeaders,
} from './index.ts'

const place = { route: '/page', scope: '' }

/** A request as it comes out of the app's login: `user` is who sent the credentials. */
interface KnownRequest extends CacheableRequest {
  readonly user: string | undefined
}

function request(
  headers: IncomingHttpHeaders = {},
  more: Partial<KnownRequest> = {},
): KnownRequest {
  const user = headers.authorization ?? headers.cookie
  return { method: 'GET', url: '/page', host: 'a.example', headers, query: {}, user, ...more }
}

/** What an adapter does, without a framework: the status, the head and the body that were sent. */
async function exchange(
  route: CachedRoute<KnownRequest>,
  asked: KnownRequest,
  handler: () => { headers?: ResponseHeaders; body: string },
): Promise<{ status: number; body: string; cacheStatus: string }> {
  const key = route.keyOf(asked)
  let way
  if (key === undefined) {
    way = route.bypass(asked)
  } else {
    const stored = route.peek(key, asked)
    way = stored === undefined ? await route.enter(key, asked, {}) : { stored, isCollapsed: false }
  }
  if (!(way instanceof ForwardedRequest)) {
    const { status, head, body } = route.answer(key ?? '', way, asked.headers, {})
    return {
      status,
      body: String(body ?? ''),
      cacheStatus: head[head.indexOf('cache-status') + 1] ?? '',
    }
  }
  const { headers = {}, body } = handler()
  const { headers: set, isNotModified } = way.finish({ status: 200, headers, body })
  // The value is kept a few microtasks later; the next request of a client comes later than that.
  await new Promise(setImmediate)
  return {
    status: isNotModified ? 304 : 200,
    body: isNotModified ? '' : body,
    cacheStatus: set['cache-status'] ?? '',
  }
}

describe('privacy', () => {
  test('whatever is asked and answered, nobody gets what was made for somebody else', async () => {
    const headerSets = fc.constantFrom<IncomingHttpHeaders>(
      {},
      { authorization: 'ada' },
      { authorization: 'grace' },
      { cookie: 'ada' },
      { cookie: 'grace' },
      { cookie: 'ada', 'accept-language': 'fr' },
      { 'accept-language': 'de' },
    )
    const answers = fc.constantFrom<ResponseHeaders>(
      {},
      { 'cache-control': 'private, max-age=60' },
      { 'cache-control': 'public, max-age=60' },
      { 'cache-control': 'no-store' },
      { 'set-cookie': 'session=1' },
      { vary: 'cookie' },
      { vary: 'accept-language' },
      { vary: '*' },
    )
    const routes = fc.constantFrom<CachedRouteOptions<KnownRequest>>(
      {},
      { key: ({ user }) => user },
      { key: ({ user }) => `user:${user ?? 'nobody'}` },
    )
    await fc.assert(
      fc.asyncProperty(
        routes,
        fc.array(fc.tuple(headerSets, answers), { minLength: 2, maxLength: 12 }),
        async (options, exchanges) => {
          await using cache = createResponseCache()
          const route = cache.route(place, options)
          for (const [headers, answer] of exchanges) {
            const asked = request({ ...headers })
            const language = headers['accept-language']
            const made = { user: asked.user, language: answer['vary'] && language }
            const got = await exchange(route, asked, () => ({
              headers: answer,
              body: JSON.stringify(made),
            }))
            const seen = JSON.parse(got.body) as typeof made
            expect(seen.user).toBe(asked.user)
            if (seen.language !== undefined) expect(seen.language).toBe(language)
          }
        },
      ),
      { numRuns: 3_000 },
    )
  })

  test('what varies by a header goes to those alone who send the same', async () => {
    await using cache = createResponseCache()
    const route = cache.route<KnownRequest>(place, {})
    const ask = (language: string) =>
      exchange(route, request({ 'accept-language': language }), () => ({
        headers: { vary: 'Accept-Language' },
        body: language,
      }))
    expect(await ask('fr')).toMatchObject({
      body: 'fr',
      cacheStatus: 'hotpath; fwd=uri-miss; stored',
    })
    expect(await ask('fr')).toMatchObject({ body: 'fr', cacheStatus: 'hotpath; hit' })
    expect(await ask('de')).toMatchObject({ body: 'de', cacheStatus: 'hotpath; fwd=vary-miss' })
    expect(await ask('fr')).toMatchObject({ body: 'fr', cacheStatus: 'hotpath; hit' })
  })
})

describe('a key', () => {
  test('tells hosts, and routes that share a path, apart', async () => {
    await using cache = createResponseCache()
    const plain = cache.route<KnownRequest>(place, {})
    const versioned = cache.route<KnownRequest>({ route: '/page', scope: 'version 2' }, {})
    const ask = (route: CachedRoute<KnownRequest>, host: string, body: string) =>
      exchange(route, request({}, { host }), () => ({ body }))
    expect((await ask(plain, 'a.example', 'a')).body).toBe('a')
    expect((await ask(plain, 'b.example', 'b')).body).toBe('b')
    expect((await ask(versioned, 'a.example', '2')).body).toBe('2')
    expect((await ask(plain, 'a.example', 'other')).body).toBe('a')
  })

  test('or a tag that the cache does not take sends the request past it', async () => {
    await using cache = createResponseCache()
    const long = 'x'.repeat(3_000)
    const tagged = cache.route<KnownRequest>(place, { tags: () => [long] })
    const keyed = cache.route<KnownRequest>(place, { key: () => long })
    for (const route of [tagged, keyed]) {
      const { body, cacheStatus } = await exchange(route, request(), () => ({ body: 'fresh' }))
      expect([body, cacheStatus]).toEqual(['fresh', 'hotpath; fwd=bypass'])
    }
  })
})

describe('being seen', () => {
  test('counts what became of the requests, and publishes it when someone listens', async () => {
    const clock = createManualClock()
    await using cache = createResponseCache({ clock })
    const route = cache.route<KnownRequest>(place, {})
    const heard: string[] = []
    const stop = listen('hotpath:http:cache', ({ verdict, stored }) =>
      heard.push(stored ? `${verdict}, stored` : verdict),
    )
    const ask = (headers: IncomingHttpHeaders) =>
      exchange(route, request(headers), () => ({ headers: { etag: '"1"' }, body: 'x' }))
    await ask({})
    await ask({})
    await ask({ 'if-none-match': '"1"' })
    await ask({ cookie: 'a' })
    stop()
    expect(heard).toEqual(['uri-miss, stored', 'hit', 'hit', 'bypass'])
    expect(cache.stats()).toMatchObject({
      hits: 2,
      misses: 1,
      bypasses: 1,
      notModified: 1,
      stored: 1,
      collapsed: 0,
      hitRatio: 2 / 3,
    })
  })

  test('after close every request goes to its handler', async () => {
    const cache = createResponseCache()
    const route = cache.route<KnownRequest>(place, {})
    await exchange(route, request(), () => ({ body: 'before' }))
    await cache.close()
    const after = await exchange(route, request(), () => ({ body: 'after' }))
    expect(after).toMatchObject({ body: 'after', cacheStatus: 'hotpath; fwd=bypass' })
  })
})

test('options that contradict each other are refused', async () => {
  await using cache = createResponseCache()
  expect(() => createResponseCache({ cache: cache.cache, memory: {} })).toThrow(
    'both a cache and memory',
  )
  const refused = (options: object) => () => cache.route(place, options)
  expect(refused({ isPublic: true, key: () => 'x' })).toThrow('both a key and isPublic')
  expect(refused({ tags: ['a'] })).toThrow('tags that are no function')
  expect(refused({ key: 'a' })).toThrow('a key that is no function')
  expect(refused({ query: 'tag' })).toThrow('no list of parameter names')
  expect(refused({ ttlMs: -1 })).toThrow('cache.ttlMs must be')
  expect(refused({ ttl: 1 })).toThrow("no option 'ttl'")
})
