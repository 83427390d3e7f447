import { startRedis } from '@hotpath/services'
import fc from 'fast-check'
import type { IncomingHttpHeaders } from 'node:http'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createCache, type CacheOptions } from '../../src/cache/index.ts'
import { createManualClock, fromNodeRedis, type ManualClock } from '../../src/core/index.ts'
import {
  createResponseCache,
  ForwardedRequest,
  sendableBody,
  type CacheableRequest,
  type CachedRoute,
  type CachedRouteOptions,
  type ResponseCache,
  type ResponseHeaders,
} from '../../src/http/index.ts'

// A server of its own: these tests freeze it.
const server = await startRedis()
const client = createClient({ url: server.url, disableOfflineQueue: true })
client.on('error', () => {})
const redis = fromNodeRedis(client)
const open: { close(): Promise<void> }[] = []
let namespaces = 0

beforeAll(() => client.connect())

afterEach(async () => {
  await server.thaw()
  await Promise.all(open.splice(0).map((one) => one.close()))
})

afterAll(async () => {
  client.destroy()
  await server.close()
})

/** Two processes of one app, as far as the cache knows. */
function twoProcesses(
  options: CachedRouteOptions<CacheableRequest> = {},
  cacheOptions: CacheOptions = {},
) {
  const namespace = `http-${namespaces++}`
  return [process(), process()] as const

  function process() {
    const cache = createCache({ redis, namespace, memory: false, ...cacheOptions })
    const { clock } = cacheOptions
    const responses = createResponseCache({ cache, clock, ttlMs: 60_000 })
    open.push(responses, cache)
    return { responses, route: responses.route({ route: '/page', scope: '' }, options) }
  }
}

function page(headers: IncomingHttpHeaders = {}): CacheableRequest {
  return { method: 'GET', url: '/page', host: 'a.example', headers, query: {} }
}

interface Sent {
  readonly body: string | Buffer | undefined
  readonly cacheStatus: string | undefined
  readonly headers: Readonly<Record<string, string>>
}

async function ask(
  route: CachedRoute<CacheableRequest>,
  headers: IncomingHttpHeaders,
  handler: () => { headers?: ResponseHeaders; body: string | Buffer },
): Promise<Sent> {
  const request = page(headers)
  const key = route.keyOf(request) ?? ''
  const way = await route.enter(key, request, {})
  if (way instanceof ForwardedRequest) {
    const { headers: made = {}, body } = handler()
    const finished = way.finish({ status: 200, headers: made, body })
    return { body, cacheStatus: finished.headers['cache-status'], headers: finished.headers }
  }
  const { head, body } = route.answer(key, way, headers, {})
  const sent = Object.fromEntries(
    head.flatMap((name, at) => (at % 2 === 0 ? [[name, head[at + 1] ?? '']] : [])),
  ) as Record<string, string>
  return { body, cacheStatus: sent['cache-status'], headers: sent }
}

/** Waits until the other process has it: what is stored is written behind the answer. */
async function untilHit(
  route: CachedRoute<CacheableRequest>,
  headers: IncomingHttpHeaders = {},
): Promise<Sent> {
  return vi.waitUntil(
    async () => {
      const sent = await ask(route, { ...headers, 'cache-control': 'only-if-cached' }, unexpected)
      return sent.cacheStatus === 'hotpath; hit' ? sent : undefined
    },
    { timeout: 15_000, interval: 5 },
  )
}

function unexpected(): never {
  throw new Error('the handler ran')
}

describe('what one process has stored, another one sends', () => {
  test('in every variant, to those whom it was made for', async () => {
    const [one, other] = twoProcesses()
    for (const language of ['de', 'fr', 'it']) {
      const headers = { 'accept-language': language }
      const made = () => ({ headers: { vary: 'accept-language' }, body: language })
      await ask(one.route, headers, made)
      await untilHit(one.route, headers)
    }
    for (const language of ['it', 'de', 'fr']) {
      expect((await untilHit(other.route, { 'accept-language': language })).body).toBe(language)
    }
  })

  test.each(['clone', 'json'] as const)('in every coding, sent as %s', async (serializer) => {
    const [one, other] = twoProcesses({ compress: true }, { serializer })
    const text = 'Zeichen, die nicht ASCII sind: äöü. '.repeat(1_000)
    await ask(one.route, {}, () => ({ headers: { 'content-type': 'text/plain' }, body: text }))
    const plain = await untilHit(other.route)
    expect(Buffer.isBuffer(plain.body)).toBe(true)
    expect(String(plain.body)).toBe(text)
    const zipped = await untilHit(other.route, { 'accept-encoding': 'gzip' })
    expect(zipped.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' })
    expect(gunzipSync(zipped.body as Buffer).toString()).toBe(text)
    expect(zipped.headers['content-length']).toBe(String((zipped.body as Buffer).length))
  })

  test('until a write to its address, in whichever process', async () => {
    const [one, other] = twoProcesses()
    await ask(one.route, {}, () => ({ body: 'old' }))
    await untilHit(other.route)
    await write(other.responses)
    const { body, cacheStatus } = await ask(one.route, {}, () => ({ body: 'new' }))
    expect(body).toBe('new')
    expect(cacheStatus).toContain('fwd=uri-miss')
  })
})

test('a request that was answered stale while Redis was frozen owes nobody an answer', async () => {
  const clock = createManualClock()
  const [{ route }] = twoProcesses(
    { staleMs: 600_000 },
    { clock, memory: { busLostMs: 3_600_000 }, staleIfErrorMs: 600_000, softTimeoutMs: 10 },
  )
  await ask(route, {}, () => ({ body: 'old' }))
  await untilHit(route)
  clock.advance(61_000)
  await server.freeze()
  const first = ask(route, {}, () => ({ body: 'new' }))
  // The soft limit is reached before that of Redis is, and the load begins only then: its handler
  // would be that of a request which has gone.
  clock.advance(10)
  expect((await first).body).toBe('old')
  await settled(clock, new Promise(setImmediate))
  clock.advance(600_000)
  const second = ask(route, {}, () => ({ body: 'new' }))
  expect((await settled(clock, second)).body).toBe('new')
})

/** Lets the deadlines of Redis pass until it is there. */
async function settled<Value>(clock: ManualClock, value: Promise<Value>): Promise<Value> {
  let isThere = false
  const seen = value.then(() => (isThere = true))
  await vi.waitUntil(
    async () => {
      clock.advance(60)
      await Promise.race([seen, new Promise(setImmediate)])
      return isThere
    },
    { timeout: 10_000, interval: 1 },
  )
  return value
}

async function write(responses: ResponseCache): Promise<void> {
  await responses.settleUnsafe({ method: 'PUT', host: 'a.example', url: '/page' }, 204, {})
}

test('any body comes out of Redis byte for byte, and in every coding', async () => {
  // Among them halves of surrogate pairs, and lengths about the one up to which a body is a text.
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .tuple(fc.constantFrom('x', 'é', '€', '😀', '\ud800'), fc.integer({ min: 0, max: 16_005 }))
      .map(([letter, length]) => letter + 'y'.repeat(length)),
    fc.tuple(fc.constantFrom('é', '€'), fc.nat(9_000)).map(([one, times]) => one.repeat(times)),
  )
  const bytes = fc.uint8Array({ maxLength: 100 }).map((some) => Buffer.from(some))
  const body = fc.oneof(
    text,
    text.map((one) => Buffer.from(one)),
    bytes,
  )
  const [one, other] = twoProcesses({ compress: true })
  let pages = 0
  const ask = (
    route: CachedRoute<CacheableRequest>,
    host: string,
    headers: IncomingHttpHeaders,
  ) => {
    const request = { ...page(headers), host }
    return route.enter(route.keyOf(request) ?? '', request, {})
  }
  await fc.assert(
    fc.asyncProperty(body, async (sent) => {
      const host = `host-${pages++}.example`
      const way = await ask(one.route, host, {})
      if (!(way instanceof ForwardedRequest)) throw new Error('nobody has asked before')
      way.finish({ status: 200, headers: { 'content-type': 'text/plain' }, body: sent })
      for (const accept of ['identity', 'gzip', 'br']) {
        const headers = { 'accept-encoding': accept }
        const find = async () => {
          const next = await ask(other.route, host, headers)
          if (!(next instanceof ForwardedRequest)) return next
          next.abandon()
          return undefined
        }
        const found = await vi.waitUntil(find, { timeout: 15_000, interval: 5 })
        const answer = other.route.answer('', found, headers, {})
        const form = Buffer.from((sendableBody(answer) ?? '') as string)
        const { head } = answer
        const valueOf = (name: string) => (head.includes(name) ? head[head.indexOf(name) + 1] : '')
        const decode = { gzip: gunzipSync, br: brotliDecompressSync }[
          valueOf('content-encoding') ?? ''
        ]
        expect(valueOf('content-length')).toBe(String(form.length))
        expect((decode?.(form) ?? form).equals(Buffer.from(sent as string))).toBe(true)
      }
    }),
    { numRuns: 40 },
  )
})
