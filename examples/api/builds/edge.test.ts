import { describe, expect, test } from 'vitest'
import { cachedBuilds, useApis } from './running-apis.ts'

const { api, column } = await useApis()
const minuteMs = 60_000

/** The answers to requests that a proxy on this machine passes on for a client. */
async function askAs(name: string, client: string, path: string, times: number, init = {}) {
  const headers = { 'x-forwarded-for': client }
  const ask = () => api(name).fetch(path, { ...init, headers })
  const startMs = performance.now()
  const answers = await Promise.all(Array.from({ length: times }, ask))
  return {
    through: answers.filter(({ ok }) => ok).length,
    refused: answers.filter(({ status }) => status === 429),
    tookMs: performance.now() - startMs,
  }
}

describe.for(cachedBuilds)('limits of %s', (name) => {
  test('let 100 requests a minute of each address through to /api/data', async () => {
    const { through, refused, tookMs } = await askAs(name, '203.0.113.1', '/api/data', 300)
    expect(through + refused.length).toBe(300)
    expect(through).toBeGreaterThanOrEqual(100)
    // What became free again while they were being answered.
    expect(through).toBeLessThanOrEqual(100 + (100 * tookMs) / minuteMs)
    expect((await askAs(name, '203.0.113.2', '/api/data', 1)).through).toBe(1)
  })

  test('refuse in the words of the API, and say when to come back', async () => {
    const { refused } = await askAs(name, '203.0.113.3', '/api/data', 150)
    const [answer] = refused
    expect(answer?.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(Number(answer?.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect(await answer?.json()).toEqual({
      error: { status: 429, message: expect.stringMatching(/Retry-After says/) },
    })
  })

  test('hold on the costly routes for everybody but this machine', async () => {
    const [id] = await column<number>(`select id from posts where kind = 'question' limit 1`)
    const refusedWrite = { method: 'POST', body: 'value' }
    for (const [path, init] of [
      ['/api/stats/tags', {}],
      ['/api/stats/tags/related', {}],
      [`/api/questions/${id}/votes`, refusedWrite],
      ['/api/users/1', { ...refusedWrite, method: 'PATCH' }],
    ] as const) {
      const { refused, tookMs } = await askAs(name, '2001:db8::1', path, 80, init)
      expect(refused.length, path).toBeLessThanOrEqual(20)
      expect(refused.length, path).toBeGreaterThanOrEqual(20 - (60 * tookMs) / minuteMs)
      const ofOurs = await askAs(name, '127.0.0.1', path, 80, init)
      expect(ofOurs.refused, path).toEqual([])
    }
  })
})

describe.for(cachedBuilds)('compression of %s', (name) => {
  test('makes a page smaller, and gives the same JSON', async () => {
    const path = '/api/questions'
    const ask = (encoding: string) =>
      api(name).fetch(path, { headers: { 'accept-encoding': encoding } })
    const plain = await ask('identity')
    expect(plain.headers.get('content-encoding')).toBeNull()
    const body = await plain.text()
    expect(body.length).toBeGreaterThan(2_000)
    // Twice: the second one is kept compressed, or compressed from what is kept.
    for (const _ of [1, 2]) {
      const compressed = await ask('gzip')
      expect(compressed.headers.get('content-encoding')).toBe('gzip')
      expect(compressed.headers.get('vary')?.toLowerCase()).toContain('accept-encoding')
      expect(await compressed.text()).toBe(body)
    }
  })

  test('leaves small answers as they are', async () => {
    const response = await api(name).fetch('/api/data', { headers: { 'accept-encoding': 'gzip' } })
    expect(response.headers.get('content-encoding')).toBeNull()
  })
})
