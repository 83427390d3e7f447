import { listen as listenTo, requestContext, runInRequest, type HotpathError } from 'hotpath'
import { fetchAll, type FetchInput, type FetchResult } from 'hotpath/batch'
import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { serve, serveNobody } from './fetch-servers.ts'

const errorOf = (result: FetchResult<unknown> | undefined) =>
  result?.ok === false ? (result.error as HotpathError & { status?: number }) : undefined

describe('results', () => {
  test('an array gives an array in its order, with values, statuses and times', async () => {
    const { url } = await serve(({ url }, response) => {
      const n = Number(url?.slice(1))
      setTimeout(() => response.end(JSON.stringify({ n })), n % 2 === 0 ? 10 : 0)
    })
    const urls = Array.from({ length: 20 }, (_, n) => `${url}/${n}`)
    const results = await fetchAll(urls)
    expect(results.map((result) => result.ok && result.value)).toEqual(urls.map((_, n) => ({ n })))
    expect(results[3]).toMatchObject({ ok: true, status: 200, attempts: 1, request: urls[3] })
    expect(results[2]?.durationMs).toBeGreaterThan(5)
  })

  test('an async iterable is read with back-pressure, and gives an async iterable', async () => {
    const { url } = await serve((_, response) => response.end('1'))
    let readCount = 0
    async function* urls() {
      for (;;) {
        readCount++
        yield `${url}/${readCount}`
      }
    }
    let count = 0
    for await (const result of fetchAll(urls(), { concurrency: 5 })) {
      expect(result).toMatchObject({ ok: true, value: 1 })
      expect(readCount).toBeLessThanOrEqual(count + 10)
      if (++count === 100) break
    }
    expect(count).toBe(100)
  })

  test('bodies come as JSON, text, bytes, or what a function makes of them', async () => {
    const { url } = await serve((request, response) => {
      if (request.url === '/empty') response.writeHead(204).end()
      else response.end('\uFEFF{"a":1}')
    })
    const one = async <T>(results: Promise<FetchResult<T>[]>) => (await results)[0]
    expect(await one(fetchAll([url]))).toMatchObject({ value: { a: 1 } })
    expect(await one(fetchAll([`${url}/empty`]))).toMatchObject({ ok: true, value: undefined })
    expect(await one(fetchAll([url], { parse: 'text' }))).toMatchObject({ value: '{"a":1}' })
    const bytes = await one(fetchAll([url], { parse: 'bytes' }))
    expect(bytes?.ok === true && bytes.value.length).toBe(10)
    const parse = async (body: Buffer, { status }: { status: number }) => body.length + status
    expect(await one(fetchAll([url], { parse }))).toMatchObject({ value: 210 })
    const parseThrows = () => {
      throw new Error('no schema')
    }
    expect(errorOf(await one(fetchAll([url], { parse: parseThrows })))?.code).toBe(
      'HOTPATH_BATCH_BODY_INVALID',
    )
  })

  test('a method, headers and a body go out as they were given', async () => {
    const { url, requests } = await serve((request, response) => {
      request.setEncoding('utf8')
      let body = ''
      request.on('data', (chunk: string) => (body += chunk))
      request.on('end', () => response.end(JSON.stringify(body)))
    })
    const [result] = await fetchAll([
      { url: `${url}/a?b=c`, method: 'post', headers: { 'X-Me': '1' }, body: 'hello' },
    ])
    expect(result).toMatchObject({ ok: true, value: 'hello' })
    expect(requests[0]).toMatchObject({ method: 'POST', url: '/a?b=c' })
    expect(requests[0]?.headers).toMatchObject({ 'x-me': '1', 'user-agent': 'hotpath' })
  })

  test('progress, the event and the trace tell of each call, without its query', async () => {
    const { url } = await serve(({ url }, response) => {
      response.statusCode = url?.startsWith('/bad') === true ? 404 : 200
      response.end('1')
    })
    const progress: object[] = []
    const heard: object[] = []
    const stop = listenTo('hotpath:batch:call', (event) => heard.push(event))
    const entries = await runInRequest({ route: '/', maxTraceEntries: 10 }, async () => {
      const onProgress = (step: object) => progress.push(step)
      await fetchAll([`${url}/a?secret=1`, `${url}/bad?secret=1`], { concurrency: 1, onProgress })
      return requestContext()?.trace?.entries
    })
    stop()
    expect(progress).toEqual([
      { done: 1, failed: 0, total: 2 },
      { done: 2, failed: 1, total: 2 },
    ])
    expect(heard).toMatchObject([
      { method: 'GET', url: `${url}/a`, status: 200, attempts: 1, error: undefined },
      { method: 'GET', url: `${url}/bad`, status: 404, attempts: 1 },
    ])
    expect(entries).toMatchObject([
      { kind: 'call', method: 'GET', url: `${url}/a`, status: 200, error: undefined },
      { kind: 'call', method: 'GET', url: `${url}/bad`, status: 404 },
    ])
    expect(JSON.stringify([heard, entries])).not.toContain('secret')
  })

  test('the same GET is sent once, other requests each', async () => {
    const { url, requests } = await serve((_, response) => response.end('1'))
    const inputs: FetchInput[] = [
      url,
      `${url}/`,
      new URL(url),
      { url, headers: { a: '1', b: '2' } },
      { url, headers: { B: '2', A: '1' } },
      { url, method: 'POST' },
      { url, method: 'POST' },
    ]
    const results = await fetchAll(inputs, { dedupe: true })
    expect(results.map(({ request }) => request)).toEqual(inputs)
    expect(results.every(({ ok }) => ok)).toBe(true)
    expect(requests).toHaveLength(4)
  })
})

describe('limits', () => {
  test('concurrency and perHost hold, and a busy host does not hold up another', async () => {
    const running = new Map<string, number>()
    let most = 0
    let all = 0
    let mostOfAll = 0
    const host = () =>
      serve((request, response) => {
        const name = request.headers.host ?? ''
        const count = (running.get(name) ?? 0) + 1
        running.set(name, count)
        most = Math.max(most, count)
        mostOfAll = Math.max(mostOfAll, ++all)
        setTimeout(() => {
          running.set(name, (running.get(name) ?? 0) - 1)
          all--
          response.end('1')
        }, 10)
      })
    const [one, other] = [await host(), await host()]
    // All of the first host's come first: without turns the other would wait for them.
    const urls = [...Array(30).fill(one.url), ...Array(30).fill(other.url)] as string[]
    const order: string[] = []
    const results = fetchAll(new Set(urls.map((url, n) => `${url}/${n}`)), {
      concurrency: 10,
      perHost: 3,
      ordered: false,
    })
    for await (const { request } of results) order.push(request as string)
    expect(order).toHaveLength(60)
    expect(most).toBe(3)
    expect(mostOfAll).toBe(6)
    expect(order.slice(0, 20).some((url) => url.startsWith(other.url))).toBe(true)
  })

  test('an adaptive limit settles near what the server takes', async () => {
    let running = 0
    let refused = 0
    let answered = 0
    const { url } = await serve((_, response) => {
      if (running >= 8) {
        refused++
        response.writeHead(503).end()
        return
      }
      running++
      setTimeout(() => {
        running--
        answered++
        response.end('1')
      }, 3)
    })
    const urls = Array.from({ length: 600 }, (_, n) => `${url}/${n}`)
    await fetchAll(urls, { concurrency: 50, adaptive: true, retries: 0 })
    expect(answered + refused).toBe(600)
    expect(refused).toBeLessThan(120)
  })

  test('connections are kept open and shared by calls', async () => {
    const { url, sockets } = await serve((_, response) => response.end('1'))
    for (let call = 0; call < 5; call++) await fetchAll(Array(20).fill(url), { concurrency: 4 })
    expect(sockets.size).toBeLessThanOrEqual(4)
  })

  test('an abort closes what is under way and rejects with its reason', async () => {
    const { url, sockets } = await serve(() => {})
    const controller = new AbortController()
    const reason = new Error('enough')
    const { signal } = controller
    const answer = fetchAll(Array(8).fill(url), { concurrency: 4, signal })
    await until(() => sockets.size === 4)
    controller.abort(reason)
    await expect(answer).rejects.toBe(reason)
    await until(() => sockets.size === 0)
  })

  test('a break closes what is under way', async () => {
    const { url, sockets } = await serve((request, response) => {
      if (request.url === '/0') response.end('1')
    })
    const urls = new Set([0, 1, 2].map((n) => `${url}/${n}`))
    for await (const result of fetchAll(urls)) {
      expect(result.ok).toBe(true)
      break
    }
    await until(() => sockets.size <= 1)
  })
})

test('a connection that is being opened for nobody any more holds no process', async () => {
  const { url } = await serve((_, response) => response.end('1'))
  const silent = await serveNobody()
  const program = `
    import { fetchAll } from 'hotpath/batch'
    for await (const { ok } of fetchAll(new Set(['${url}', '${silent}']))) {
      console.log(ok)
      break
    }
    const endMs = performance.now()
    process.on('exit', () => console.log(Math.round(performance.now() - endMs)))
    // Called in the same turn, it gets its answer all the same.
    const [last] = await fetchAll(['${url}'])
    console.log(last.ok)
  `
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', program],
    { cwd: new URL('../..', import.meta.url) },
  )
  const [first, last, heldMs] = stdout.split('\n')
  expect([first, last]).toEqual(['true', 'true'])
  // undici would try for 10 s.
  expect(Number(heldMs)).toBeLessThan(5_000)
})

test('a process does not end between two attempts, and does when all have ended', async () => {
  const { url } = await serve((_, response) => response.end('1'))
  const program = `
    import { fetchAll } from 'hotpath/batch'
    const results = await fetchAll(['${url}', 'http://127.0.0.1:1/'])
    const endMs = performance.now()
    process.on('exit', () => {
      console.log(results.map(({ ok, attempts }) => [ok, attempts]).join(' '))
      console.log(Math.round(performance.now() - endMs))
    })
  `
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', program],
    { cwd: new URL('../..', import.meta.url) },
  )
  const [results, heldMs] = stdout.split('\n')
  expect(results).toBe('true,1 false,3')
  // Its connection stays open for 4 s more, and holds nobody up.
  expect(Number(heldMs)).toBeLessThan(3_000)
})

describe('retries', () => {
  test('what is safe is tried again, and a POST only with a key', async () => {
    const seen = new Map<string, number>()
    const { url } = await serve((request, response) => {
      const key = `${request.method} ${request.url}`
      seen.set(key, (seen.get(key) ?? 0) + 1)
      if ((seen.get(key) ?? 0) < 3) response.writeHead(Number(request.url?.slice(1))).end()
      else response.end('1')
    })
    const attempts = async (input: FetchInput) => {
      seen.clear()
      const [result] = await fetchAll([input], { retryBudgetRatio: false })
      return [result?.ok, result?.attempts]
    }
    for (const status of [408, 429, 502, 503, 504]) {
      expect(await attempts(`${url}/${status}`), `${status}`).toEqual([true, 3])
    }
    for (const status of [400, 404, 500, 501]) {
      expect(await attempts(`${url}/${status}`), `${status}`).toEqual([false, 1])
    }
    expect(await attempts({ url: `${url}/503`, method: 'PUT' })).toEqual([true, 3])
    expect(await attempts({ url: `${url}/503`, method: 'POST' })).toEqual([false, 1])
    expect(await attempts({ url: `${url}/503`, method: 'PATCH' })).toEqual([false, 1])
    const headers = { 'Idempotency-Key': 'a' }
    expect(await attempts({ url: `${url}/503`, method: 'POST', headers })).toEqual([true, 3])
  })

  test('Retry-After is never undercut, whether in seconds or as a date', async () => {
    for (const form of ['seconds', 'date']) {
      const times: number[] = []
      const { url } = await serve((_, response) => {
        times.push(Date.now())
        if (times.length > 1) return response.end('1')
        const value =
          form === 'seconds'
            ? '1'
            : new Date(Math.ceil(Date.now() / 1_000 + 1) * 1_000).toUTCString()
        response.writeHead(429, { 'retry-after': value }).end()
      })
      const [result] = await fetchAll([url])
      expect(result).toMatchObject({ ok: true, attempts: 2 })
      const [first = 0, second = 0] = times
      expect(second - first).toBeGreaterThanOrEqual(1_000)
    }
  })

  test('an outage is not doubled: retries stay within their budget', async () => {
    const { url, requests } = await serve((_, response) => response.writeHead(503).end())
    const urls = Array.from({ length: 300 }, (_, n) => `${url}/${n}`)
    await fetchAll(urls, { concurrency: 50, retries: 5 })
    expect(requests.length).toBeLessThanOrEqual(300 + 0.2 * 300 + 10)
    expect(requests.length).toBeGreaterThan(340)
    // Nor by many small calls.
    requests.length = 0
    for (let call = 0; call < 30; call++) await fetchAll([url])
    expect(requests.length).toBeLessThanOrEqual(30 + 0.2 * 30 + 1)
  })

  test('a slow answer is overtaken by a second request, and the first is closed', async () => {
    const slow = Promise.withResolvers<void>()
    let isFirst = true
    const { url } = await serve((request, response) => {
      if (request.url !== '/70' || !isFirst) return response.end('1')
      isFirst = false
      return request.socket.once('close', () => slow.resolve())
    })
    // The requests before it save up what the hedge takes.
    const urls = Array.from({ length: 80 }, (_, n) => `${url}/${n}`)
    const results = await fetchAll(urls, { hedgeAfterMs: 200, concurrency: 1, retries: 0 })
    expect(results.every(({ ok }) => ok)).toBe(true)
    expect(results[70]).toMatchObject({ attempts: 2, status: 200 })
    await slow.promise
  })

  test('hedges are at most a twentieth of the requests', async () => {
    let count = 0
    const { url } = await serve((_, response) => {
      count++
      setTimeout(() => response.end('1'), 20)
    })
    const urls = Array.from({ length: 200 }, (_, n) => `${url}/${n}`)
    await fetchAll(urls, { hedgeAfterMs: 1, concurrency: 20 })
    expect(count).toBeGreaterThan(203)
    expect(count).toBeLessThanOrEqual(210)
  })
})

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(2)
}
