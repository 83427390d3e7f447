import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { createManualClock, listen } from '../core/index.ts'
import {
  createResponseCache,
  ForwardedRequest,
  resolveCompressStep,
  type CacheableRequest,
  type CachedRoute,
  type ResponseCache,
  type ResponseHeaders,
  type StoredResponse,
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

describe('what varies by a header', () => {
  const negotiate = async (
    route: CachedRoute<KnownRequest>,
    headers: IncomingHttpHeaders,
    vary: string,
  ) =>
    exchange(route, request({ ...headers }), () => ({
      headers: { vary },
      body: `${headers['accept-language']} ${headers['x-theme']}`,
    }))

  test('is kept for each who sends something else', async () => {
    await using cache = createResponseCache()
    const route = cache.route<KnownRequest>(place, {})
    const ask = (language: string) =>
      negotiate(route, { 'accept-language': language, 'x-theme': 'a' }, 'Accept-Language')
    expect((await ask('fr')).cacheStatus).toBe('hotpath; fwd=uri-miss; stored')
    expect((await ask('fr')).cacheStatus).toBe('hotpath; hit')
    expect((await ask('de')).cacheStatus).toBe('hotpath; fwd=vary-miss; stored')
    expect(await ask('de')).toMatchObject({ body: 'de a', cacheStatus: 'hotpath; hit' })
    expect(await ask('DE')).toMatchObject({ body: 'de a', cacheStatus: 'hotpath; hit' })
    expect(await ask('fr')).toMatchObject({ body: 'fr a', cacheStatus: 'hotpath; hit' })
  })

  test('may vary by more than the first response did', async () => {
    await using cache = createResponseCache()
    const route = cache.route<KnownRequest>(place, {})
    const ask = (language: string, theme: string, vary: string) =>
      negotiate(route, { 'accept-language': language, 'x-theme': theme }, vary)
    const both = 'Accept-Language, X-Theme'
    await ask('fr', 'a', 'Accept-Language')
    await ask('de', 'a', both)
    expect((await ask('de', 'b', both)).cacheStatus).toBe('hotpath; fwd=vary-miss; stored')
    expect(await ask('de', 'a', both)).toMatchObject({ body: 'de a', cacheStatus: 'hotpath; hit' })
    expect(await ask('de', 'b', both)).toMatchObject({ body: 'de b', cacheStatus: 'hotpath; hit' })
    expect(await ask('fr', 'b', both)).toMatchObject({ body: 'fr a', cacheStatus: 'hotpath; hit' })
  })

  test('is kept in so many variants, and the others go to the handler', async () => {
    await using cache = createResponseCache()
    const route = cache.route<KnownRequest>(place, {})
    for (let number = 0; number < 100; number++) {
      await negotiate(route, { 'accept-language': `x-${number}` }, 'Accept-Language')
    }
    expect(cache.stats().cache.entries).toBe(17)
    const { cacheStatus } = await negotiate(route, { 'accept-language': 'fr' }, 'Accept-Language')
    expect(cacheStatus).toBe('hotpath; fwd=vary-miss')
  })

  test('is forgotten together', async () => {
    await using cache = createResponseCache()
    const route = cache.route<KnownRequest>(place, { tags: () => ['page'] })
    const ask = (language: string) =>
      negotiate(route, { 'accept-language': language }, 'Accept-Language')
    for (const language of ['fr', 'de', 'it']) await ask(language)
    await cache.invalidateTags(['page'])
    for (const language of ['it', 'fr', 'de']) {
      expect((await ask(language)).cacheStatus).toContain('stored')
    }
  })

  test('runs the handler once for all who ask for the same variant at once', async () => {
    await using cache = createResponseCache()
    const route = cache.route<KnownRequest>(place, {})
    let runs = 0
    const ask = (language: string) =>
      exchange(route, request({ 'accept-language': language }), () => {
        runs++
        return { headers: { vary: 'Accept-Language' }, body: language }
      })
    const languages = ['fr', 'de', 'fr', 'de', 'de', 'fr']
    const answers = await Promise.all(languages.map(ask))
    expect(answers.map(({ body }) => body)).toEqual(languages)
    expect(runs).toBe(2)
    const collapsed = answers.filter(({ cacheStatus }) => cacheStatus.includes('collapsed'))
    expect(collapsed).toHaveLength(4)
  })
})

describe('a write', () => {
  const url = '/page'
  const write = { method: 'PUT', host: 'a.example', url }
  const made = () => ({ body: 'made' })
  const statusOf = async (route: CachedRoute<KnownRequest>, asked: KnownRequest) =>
    (await exchange(route, asked, made)).cacheStatus

  test('forgets what is stored of its address, whoever it was for', async () => {
    await using cache = createResponseCache()
    const route = cache.route<KnownRequest>(place, { key: ({ user }) => user ?? 'nobody' })
    const asked = () => [request(), request({ cookie: 'ada' }), request({}, { url: '/page?x=1' })]
    for (const one of asked()) await statusOf(route, one)
    const elsewhere = request({}, { url: '/pages' })
    await statusOf(route, elsewhere)
    for (const one of asked()) expect(await statusOf(route, one)).toBe('hotpath; hit')
    await cache.settleUnsafe(write, 204, {})
    for (const one of asked()) expect(await statusOf(route, one)).toContain('fwd=uri-miss')
    expect(await statusOf(route, elsewhere)).toBe('hotpath; hit')
  })

  test('that fails, or that only reads, forgets nothing', async () => {
    await using cache = createResponseCache()
    const route = cache.route<KnownRequest>(place, {})
    await statusOf(route, request())
    await cache.settleUnsafe(write, 409, {})
    await cache.settleUnsafe({ ...write, method: 'HEAD' }, 200, {})
    await cache.settleUnsafe({ ...write, url: '/other' }, 201, {
      location: 'http://b.example/page',
    })
    expect(await statusOf(route, request())).toBe('hotpath; hit')
    await cache.settleUnsafe({ ...write, url: '/other' }, 201, { location: '/page' })
    expect(await statusOf(route, request())).toContain('fwd=uri-miss')
  })

  test('keeps what was being made meanwhile from being stored', async () => {
    await using cache = createResponseCache()
    const route = cache.route<KnownRequest>(place, {})
    const way = await route.enter('http:key', request(), {})
    await cache.settleUnsafe(write, 200, {})
    expect(way).toBeInstanceOf(ForwardedRequest)
    if (way instanceof ForwardedRequest) {
      const { headers } = way.finish({ status: 200, headers: {}, body: 'old' })
      expect(headers['cache-status']).toBe('hotpath; fwd=uri-miss; detail=invalidated')
    }
  })

  test('after close is no failure', async () => {
    const cache = createResponseCache()
    await cache.close()
    await cache.settleUnsafe(write, 200, {})
  })
})

describe('what a client says', () => {
  const clock = createManualClock()
  const ask = async (
    route: CachedRoute<KnownRequest>,
    headers: IncomingHttpHeaders,
    more: Partial<KnownRequest> = {},
  ) => exchange(route, request(headers, more), () => ({ body: 'made' }))

  test('does not reach the handler, unless the route honours it', async () => {
    await using cache = createResponseCache({ clock })
    const route = cache.route<KnownRequest>(place, {})
    await ask(route, {})
    for (const control of ['no-cache', 'no-store', 'max-age=0', 'min-fresh=9999999']) {
      expect((await ask(route, { 'cache-control': control })).cacheStatus).toBe('hotpath; hit')
    }
    expect((await ask(route, { pragma: 'no-cache' })).cacheStatus).toBe('hotpath; hit')
  })

  test('decides what it is answered from where the route honours it', async () => {
    await using cache = createResponseCache({ clock, honoursRequests: true })
    const route = cache.route<KnownRequest>(place, { ttlMs: 60_000 })
    const status = async (control: string, more: Partial<KnownRequest> = {}) =>
      (await ask(route, { 'cache-control': control }, more)).cacheStatus
    await ask(route, {})
    clock.advance(10_000)
    expect(await status('max-age=11')).toBe('hotpath; hit')
    expect(await status('min-fresh=50')).toBe('hotpath; hit')
    expect(await status('no-store')).toBe('hotpath; fwd=request')
    expect(await status('no-cache', { method: 'HEAD' })).toBe('hotpath; fwd=request')
    expect(await status('min-fresh=51')).toBe('hotpath; fwd=request; stored')
    clock.advance(10_000)
    expect(await status('max-age=10')).toBe('hotpath; fwd=request; stored')
    expect(await status('max-age=10')).toBe('hotpath; hit')
    expect(await status('no-cache')).toBe('hotpath; fwd=request; stored')
    expect((await ask(route, { pragma: 'no-cache' })).cacheStatus).toBe(
      'hotpath; fwd=request; stored',
    )
    expect(await status('no-cache', { url: '/new' })).toBe('hotpath; fwd=uri-miss; stored')
    expect(await status('no-store', { url: '/newer' })).toBe('hotpath; fwd=request')
  })

  test('only-if-cached never runs the handler', async () => {
    await using cache = createResponseCache({ clock })
    const route = cache.route<KnownRequest>(place, {})
    const only = { 'cache-control': 'only-if-cached' }
    expect(await ask(route, only)).toEqual({
      status: 504,
      body: '',
      cacheStatus: 'hotpath; detail=only-if-cached',
    })
    await ask(route, {})
    expect(await ask(route, only)).toMatchObject({ status: 200, cacheStatus: 'hotpath; hit' })
    expect(cache.stats()).toMatchObject({ hits: 1, misses: 2 })
  })
})

describe('encoded forms', () => {
  const text = 'a text that repeats itself. '.repeat(1_000)
  const gzip = { 'accept-encoding': 'gzip' }
  // Joins the flight that is still compressing.
  const kept = (cache: ResponseCache, key: string) =>
    cache.cache.getOrSet<StoredResponse | undefined>(key, () => undefined)
  const made = () => ({ headers: { 'content-type': 'text/plain', etag: '"1"' }, body: text })

  const answerTo = (route: CachedRoute<KnownRequest>, headers: IncomingHttpHeaders) => {
    const asked = request(headers)
    const key = route.keyOf(asked) ?? ''
    const stored = route.peek(key, asked)
    if (stored === undefined) throw new Error('nothing is stored')
    const { head, body } = route.answer(key, { stored, isCollapsed: false }, headers, {})
    const coding = head[head.lastIndexOf('content-encoding') + 1]
    return { coding: head.includes('content-encoding') ? coding : undefined, body, stored }
  }

  test('the one that its own client takes is made with the response', async () => {
    await using cache = createResponseCache({ compress: true })
    const route = cache.route<KnownRequest>(place, {})
    expect((await exchange(route, request(gzip), made)).body).toBe(text)
    const stored = await kept(cache, route.keyOf(request()) ?? '')
    expect(Object.keys(stored?.encodings ?? {})).toEqual(['gzip'])
    expect(answerTo(route, gzip)).toMatchObject({ coding: 'gzip', stored })
  })

  test('none is made for clients that take none', async () => {
    await using cache = createResponseCache({ compress: true })
    const route = cache.route<KnownRequest>(place, {})
    await exchange(route, request(), made)
    for (const headers of [{}, { 'accept-encoding': 'deflate, identity' }]) {
      expect(answerTo(route, headers)).toMatchObject({ coding: undefined })
    }
    expect(answerTo(route, {}).stored.encodings).toEqual({})
  })

  test('that of a small response is there for the first who asks', async () => {
    await using cache = createResponseCache({ compress: true })
    const route = cache.route<KnownRequest>(place, {})
    await exchange(route, request(), () => ({ ...made(), body: text.slice(0, 4_000) }))
    expect(answerTo(route, gzip).coding).toBe('gzip')
    expect(answerTo(route, { 'accept-encoding': 'br' }).coding).toBe('br')
    expect(answerTo(route, gzip).stored.encodings).toMatchObject({
      gzip: { etag: '"1-gzip"' },
      br: { etag: '"1-br"' },
    })
  })

  test('each is sent with a padding of its own where the compressor pads', async () => {
    const step = resolveCompressStep({ breachPaddingBytes: 300 })
    // Whoever says what is compressed has said nothing of padding.
    for (const options of [undefined, { compress: true }, { compress: { minimumBytes: 10 } }]) {
      await using cache = createResponseCache(options, step)
      const ofRoute = options === undefined ? { compress: true } : {}
      const route = cache.route<KnownRequest>(place, ofRoute)
      await exchange(route, request(), () => ({ ...made(), body: text.slice(0, 4_000) }))
      const sent = Array.from({ length: 20 }, () =>
        answerTo(route, { 'accept-encoding': 'br, gzip' }),
      )
      expect(new Set(sent.map(({ body }) => body?.length)).size).toBeGreaterThan(5)
      for (const { body, coding } of sent) {
        expect(coding).toBe('gzip')
        expect(String(gunzipSync(body ?? ''))).toBe(text.slice(0, 4_000))
      }
      expect(Object.keys(sent[0]?.stored.encodings ?? {})).toEqual(['gzip'])
    }
    await step?.close()
  })

  test('that of a large one is made once beside the requests', async () => {
    await using cache = createResponseCache({ compress: true })
    const route = cache.route<KnownRequest>(place, {})
    await exchange(route, request(), made)
    expect(String(answerTo(route, gzip).body)).toBe(text)
    expect(String(answerTo(route, gzip).body)).toBe(text)
    await expect.poll(() => answerTo(route, gzip).coding).toBe('gzip')
    const form = answerTo(route, gzip).stored.encodings?.gzip
    expect(answerTo(route, gzip).body).toBe(form && form.body)
  })

  test('what does not become smaller is tried once', async () => {
    await using cache = createResponseCache({ compress: true })
    const route = cache.route<KnownRequest>(place, {})
    const way = await route.enter(route.keyOf(request()) ?? '', request(), {})
    if (!(way instanceof ForwardedRequest)) throw new Error('there was something stored')
    way.finish({ status: 200, ...made(), body: randomBytes(1_200) })
    await new Promise(setImmediate)
    expect(answerTo(route, gzip)).toMatchObject({ coding: undefined })
    expect(answerTo(route, gzip).stored.encodings).toEqual({ gzip: false })
  })

  test('are counted in what the response takes, in the place of its variant', async () => {
    await using cache = createResponseCache({ compress: true })
    const route = cache.route<KnownRequest>(place, {})
    const byLanguage = (language: string) => ({ 'accept-language': language })
    for (const language of ['de', 'en']) {
      await exchange(route, request(byLanguage(language)), () => ({
        body: text.slice(0, 4_000),
        headers: { 'content-type': 'text/plain', vary: 'Accept-Language' },
      }))
    }
    const bytes = () => cache.stats().cache.memory?.bytes ?? 0
    for (const language of ['de', 'en']) {
      const before = bytes()
      const { body } = answerTo(route, { ...byLanguage(language), ...gzip })
      expect(bytes()).toBeGreaterThan(before + (body?.length ?? 0))
    }
  })

  test('a client that has them is told so by the handler’s own answer, too', async () => {
    await using cache = createResponseCache({ compress: true })
    const route = cache.route<KnownRequest>(place, {})
    const finishWith = async (headers: IncomingHttpHeaders, url: string) => {
      const asked = request(headers, { url })
      const way = await route.enter(route.keyOf(asked) ?? '', asked, {})
      if (!(way instanceof ForwardedRequest)) throw new Error('there was something stored')
      return way.finish({ status: 200, ...made() })
    }
    expect(await finishWith({ ...gzip, 'if-none-match': '"1-gzip"' }, '/a')).toMatchObject({
      isNotModified: true,
      headers: { etag: '"1-gzip"', vary: 'Accept-Encoding' },
    })
    expect(await finishWith({ ...gzip, 'if-none-match': '"1-br"' }, '/b')).toMatchObject({
      isNotModified: false,
      headers: { etag: '"1"', vary: 'Accept-Encoding' },
    })
    expect(await finishWith({ ...gzip, 'if-none-match': '"1"' }, '/c')).toMatchObject({
      isNotModified: true,
      headers: { etag: '"1"' },
    })
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
  expect(refused({ staleMs: NaN })).toThrow('cache.staleMs must be')
  expect(refused({ compress: { encodings: ['zip'] } })).toThrow('cache.compress.encodings must be')
  expect(refused({ ttl: 1 })).toThrow("no option 'ttl'")
})
