import { expect, test, vi } from 'vitest'
import { ask } from './client.ts'
import { counted, hit, stored, type Suite } from './suite.ts'

/** Hits and misses, and what a client may do with what it has. */
export function storedResponses({ start }: Suite): void {
  const text = { 'content-type': 'text/plain; charset=utf-8' }

  test('the second request gets the bytes, headers and entity tag of the first', async () => {
    const { handler, runs } = counted((run) => ({
      headers: { ...text, 'x-part': 'of the response' },
      body: `grüße ${run}`,
    }))
    const { port, clock } = await start({ handler })
    const first = await ask(port)
    clock.advance(3_000)
    const second = await ask(port)
    expect([first.verdict, second.verdict, runs()]).toEqual([stored, hit, 1])
    expect([second.status, second.text]).toEqual([200, 'grüße 1'])
    for (const name of ['content-type', 'content-length', 'etag', 'x-part']) {
      expect(second.headers[name], name).toBe(first.headers[name])
    }
    expect([first.headers['age'], second.headers['age']]).toEqual([undefined, '3'])
  })

  test('the handler runs again when the time is up', async () => {
    const { handler, runs } = counted((run) => ({ headers: text, body: `run ${run}` }))
    const { port, clock } = await start({ cache: { ttlMs: 1_000 }, handler })
    await ask(port)
    clock.advance(999)
    expect((await ask(port)).text).toBe('run 1')
    clock.advance(1)
    expect((await ask(port)).text).toBe('run 2')
    expect(runs()).toBe(2)
  })

  test('queries are kept apart', async () => {
    const { handler } = counted((run) => ({ headers: text, body: `run ${run}` }))
    const { port } = await start({ handler })
    for (const [path, body] of [
      ['/page?tag=a&page=1', 'run 1'],
      ['/page?page=1&tag=a', 'run 1'],
      ['/page?page=2&tag=a', 'run 2'],
      ['/page', 'run 3'],
    ] as const) {
      expect([path, (await ask(port, { path })).text]).toEqual([path, body])
    }
  })

  test('who has the bytes already gets a 304, from the cache and from the handler', async () => {
    const seen: unknown[] = []
    const { port, clock } = await start({
      cache: { ttlMs: 1_000 },
      handler({ headers }) {
        seen.push(headers['if-none-match'])
        return { headers: text, body: 'page' }
      },
    })
    const etag = String((await ask(port)).headers['etag'])
    const fromCache = await ask(port, { headers: { 'if-none-match': etag } })
    clock.advance(1_000)
    const fromHandler = await ask(port, { headers: { 'if-none-match': `"other", ${etag}` } })
    for (const { status, body, headers } of [fromCache, fromHandler]) {
      expect([status, body.length, headers['etag']]).toEqual([304, 0, etag])
      expect([headers['content-length'], headers['content-type']]).toEqual([undefined, undefined])
    }
    expect([fromCache.verdict, fromHandler.verdict]).toEqual([hit, stored])
    // The handler is asked for the whole response, which is then kept.
    expect(seen).toEqual([undefined, undefined])
    const other = await ask(port, { headers: { 'if-none-match': '"other"' } })
    expect([other.status, other.text, other.verdict]).toEqual([200, 'page', hit])
  })

  test('an entity tag and a date of the handler’s own count', async () => {
    const { handler, runs } = counted(() => ({
      headers: { ...text, etag: '"mine"', 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' },
      body: 'page',
    }))
    const { port } = await start({ handler })
    for (const headers of [
      { 'if-none-match': '"mine"' },
      { 'if-none-match': 'W/"mine"' },
      { 'if-modified-since': 'Thu, 01 Jan 2026 00:00:00 GMT' },
    ]) {
      const { status, headers: sent } = await ask(port, { headers })
      expect([headers, status, sent['etag']]).toEqual([headers, 304, '"mine"'])
    }
    expect(runs()).toBe(1)
  })

  test('HEAD is answered from what GET has left, and leaves nothing itself', async () => {
    const { handler, runs } = counted((run) => ({ headers: text, body: `run ${run}` }))
    const { port } = await start({ handler })
    const before = await ask(port, { method: 'HEAD' })
    expect([before.status, before.text]).toEqual([200, ''])
    expect(before.verdict).toMatch(/^hotpath; fwd=/)
    expect(before.verdict).not.toContain('stored')
    const full = await ask(port)
    expect([full.text, full.verdict]).toEqual(['run 2', stored])
    const after = await ask(port, { method: 'HEAD' })
    expect([after.status, after.text, after.verdict]).toEqual([200, '', hit])
    for (const name of ['content-length', 'content-type', 'etag']) {
      expect(after.headers[name], name).toBe(full.headers[name])
    }
    const etag = String(full.headers['etag'])
    const known = await ask(port, { method: 'HEAD', headers: { 'if-none-match': etag } })
    expect([known.status, runs()]).toEqual([304, 2])
  })

  test('a hundred who ask at once share one run of the handler', async () => {
    const gate = Promise.withResolvers<void>()
    const { handler, runs } = counted(async (run) => {
      await gate.promise
      return { headers: text, body: `run ${run}` }
    })
    const { port, arrivals } = await start({ handler })
    const answers = Array.from({ length: 100 }, () => ask(port))
    await vi.waitUntil(() => arrivals() === 100)
    gate.resolve()
    const verdicts = new Map<string | undefined, number>()
    for (const { text, status, verdict } of await Promise.all(answers)) {
      expect([status, text]).toEqual([200, 'run 1'])
      verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1)
    }
    expect(runs()).toBe(1)
    expect(verdicts).toEqual(
      new Map([
        [stored, 1],
        ['hotpath; fwd=uri-miss; collapsed', 99],
      ]),
    )
  })

  test.each([
    ['Set-Cookie', { 'set-cookie': 'session=1' }, 'set-cookie'],
    ['no-store', { 'cache-control': 'no-store' }, 'no-store'],
    ['private', { 'cache-control': 'private, max-age=60' }, 'private'],
    ['max-age=0', { 'cache-control': 'max-age=0' }, 'not-fresh'],
    ['Vary: *', { vary: '*' }, 'vary'],
    ['Vary: Cookie', { vary: 'Cookie' }, 'vary'],
  ])('an answer with %s is passed on as it is', async (_, headers, detail) => {
    const { handler, runs } = counted((run) => ({ headers, body: `run ${run}` }))
    const { port } = await start({ handler })
    for (const run of [1, 2]) {
      const { text, verdict, headers: sent } = await ask(port)
      expect([text, verdict]).toEqual([`run ${run}`, `hotpath; fwd=uri-miss; detail=${detail}`])
      for (const [name, value] of Object.entries(headers)) {
        expect(String(sent[name])).toBe(value)
      }
    }
    expect(runs()).toBe(2)
  })

  test.each([201, 206, 400, 404, 500, 503])('nor is a %i kept', async (status) => {
    const { handler, runs } = counted((run) => ({ status, headers: text, body: `run ${run}` }))
    const { port } = await start({ handler })
    for (const run of [1, 2]) {
      const answer = await ask(port)
      expect([answer.status, answer.text]).toEqual([status, `run ${run}`])
      expect(answer.verdict).toBe(`hotpath; fwd=uri-miss; detail=status-${status}`)
    }
    expect(runs()).toBe(2)
  })

  test('a variant of what a header varies by is kept beside the others', async () => {
    const { handler, runs } = counted((_run, { headers }) => ({
      headers: { ...text, vary: 'accept-language' },
      body: `in ${headers['accept-language']}`,
    }))
    const { port } = await start({ handler })
    for (const verdict of ['stored', 'hit']) {
      for (const language of ['de', 'en']) {
        const answer = await ask(port, { headers: { 'accept-language': language } })
        expect(answer.text).toBe(`in ${language}`)
        expect(answer.verdict).toContain(verdict)
      }
    }
    expect(runs()).toBe(2)
  })
}
