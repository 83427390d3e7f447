import { readFileSync } from 'node:fs'
import { createServer as createNetServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer as createTlsServer } from 'node:tls'
import { fetchAll, type FetchError, type FetchInput, type FetchOptions } from 'hotpath/batch'
import { describe, expect, test } from 'vitest'
import { listen, serve, type Listening } from './fetch-servers.ts'

/** The error of the one request, which must have failed. */
async function failure(input: FetchInput, options: FetchOptions = {}): Promise<FetchError> {
  const [result] = await fetchAll([input], { retries: 0, ...options })
  if (result === undefined || result.ok) throw new Error('it did not fail')
  return result.error as FetchError
}

async function allClosed({ sockets }: Listening): Promise<void> {
  while (sockets.size > 0) await sleep(2)
}

describe('a fault is one clear error, and nothing is left open', () => {
  test('headers and then nothing', async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 10 }).write('a')
    })
    const error = await failure(server.url, { timeoutMs: 50 })
    expect(error.code).toBe('HOTPATH_BATCH_TIMEOUT')
    expect(error.message).toMatch(
      /^http:\/\/127.0.0.1:\d+\/ was not answered to the end within 50 ms/,
    )
    await allClosed(server)
  })

  test('nothing at all', async () => {
    const server = await listen(createNetServer((socket) => socket.resume()))
    expect((await failure(server.url, { timeoutMs: 50 })).code).toBe('HOTPATH_BATCH_TIMEOUT')
    await allClosed(server)
  })

  test('a slow trickle: the time is that of the whole attempt', async () => {
    const server = await serve((_, response) => {
      response.writeHead(200)
      const drip = setInterval(() => response.write('a'), 5)
      response.on('close', () => clearInterval(drip))
    })
    expect((await failure(server.url, { timeoutMs: 100 })).code).toBe('HOTPATH_BATCH_TIMEOUT')
    await allClosed(server)
  })

  test('a body without end, announced and not', async () => {
    const endless = await serve((_, response) => {
      const more = () => void (response.write(Buffer.alloc(10_000)) && setImmediate(more))
      response.on('drain', more).on('close', () => response.removeAllListeners('drain'))
      more()
    })
    const error = await failure(endless.url, { maxBodyBytes: 100_000 })
    expect(error.code).toBe('HOTPATH_BATCH_BODY_TOO_LARGE')
    await allClosed(endless)

    const announced = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 100_001 }).write('a')
    })
    const other = await failure(announced.url, { maxBodyBytes: 100_000 })
    expect(other.code).toBe('HOTPATH_BATCH_BODY_TOO_LARGE')
    await allClosed(announced)
  })

  test('a body of exactly the limit is no fault', async () => {
    const { url } = await serve((_, response) => response.end('1'.repeat(1_000)))
    const [result] = await fetchAll([url], { maxBodyBytes: 1_000, parse: 'text' })
    expect(result?.ok).toBe(true)
  })

  test('a redirect loop, and a redirect to nowhere', async () => {
    const server = await serve((request, response) => {
      response.writeHead(302, { location: request.url === '/odd' ? 'ftp://x/' : '/again' }).end()
    })
    const error = await failure(`${server.url}/`, { maxRedirects: 5 })
    expect(error.code).toBe('HOTPATH_BATCH_REDIRECT_INVALID')
    expect(error.message).toContain('redirected more than 5 times; most often that is a loop')
    expect(server.requests).toHaveLength(6)
    expect((await failure(`${server.url}/odd`)).code).toBe('HOTPATH_BATCH_REDIRECT_INVALID')
    expect(await failure(server.url, { maxRedirects: false })).toMatchObject({
      code: 'HOTPATH_BATCH_STATUS',
      status: 302,
    })
  })

  test('a connection that is reset, before the answer and in its middle', async () => {
    for (const start of ['', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc']) {
      const server = await listen(
        createNetServer((socket) => {
          socket.once('data', () => socket.write(start, () => socket.resetAndDestroy()))
        }),
      )
      const error = await failure(server.url)
      expect(error.code).toBe('HOTPATH_BATCH_CONNECTION_FAILED')
      expect(error.message).toContain('the connection broke before the answer was complete')
      expect(error.cause).toBeInstanceOf(Error)
      await allClosed(server)
    }
  })

  test('an answer that ends too early, and one that is no HTTP', async () => {
    const short = await listen(
      createNetServer((socket) => {
        socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'))
      }),
    )
    expect((await failure(short.url)).code).toBe('HOTPATH_BATCH_CONNECTION_FAILED')
    const other = await listen(
      createNetServer((socket) => socket.once('data', () => socket.write('SSH-2.0-OpenSSH\r\n'))),
    )
    expect((await failure(other.url)).code).toBe('HOTPATH_BATCH_CONNECTION_FAILED')
    await allClosed(other)
  })

  test('a URL that is none, and other requests that cannot be', async () => {
    const odd: unknown[] = [
      'nonsense',
      '/path',
      'ftp://example.com/',
      'http://me:secret@example.com/',
      undefined,
      7,
      {},
      { url: 'http://127.0.0.1/', headers: { 'bad name': 'x' } },
      { url: 'http://127.0.0.1/', headers: { a: 'b\r\nc: d' } },
      { url: 'http://127.0.0.1/', method: 'G T' },
      { url: 'http://127.0.0.1/', method: 7 },
      { url: 'http://127.0.0.1/', body: { a: 1 } },
    ]
    const results = await fetchAll(odd as FetchInput[])
    for (const [place, result] of results.entries()) {
      const error = result.ok ? undefined : (result.error as FetchError)
      expect(error?.code, String(odd[place])).toBe('HOTPATH_BATCH_REQUEST_INVALID')
      expect(error?.message).toMatch(/Nothing was sent/)
      expect(error?.message).not.toMatch(/secret/)
    }
  })

  test('a Content-Length that is not that of the body', async () => {
    const { url, requests } = await serve((_request, response) => response.end())
    const headers = { 'content-length': '5' }
    const error = await failure({ url, method: 'PUT', headers, body: 'abc' })
    expect(error.code).toBe('HOTPATH_BATCH_REQUEST_INVALID')
    expect(requests).toEqual([])
  })

  test('a name that does not exist, and a port where nobody listens', async () => {
    const name = await failure('http://no-such-name.invalid/', { retries: 3, timeoutMs: 20_000 })
    expect(name.code).toBe('HOTPATH_BATCH_CONNECTION_FAILED')
    expect(name.message).toContain('nothing was sent')
    const port = await failure('http://127.0.0.1:1/')
    expect(port.code).toBe('HOTPATH_BATCH_CONNECTION_FAILED')
    expect(port.message).toContain('ECONNREFUSED')
  })

  test('what was not sent is tried again, even a POST', async () => {
    const [result] = await fetchAll([{ url: 'http://127.0.0.1:1/', method: 'POST' }])
    expect(result).toMatchObject({ ok: false, attempts: 3 })
  })

  test('what was sent and lost is tried again, but no POST', async () => {
    let connections = 0
    const server = await listen(
      createNetServer((socket) => {
        connections++
        socket.once('data', () => socket.destroy())
      }),
    )
    const [got, posted] = await fetchAll([server.url, { url: server.url, method: 'POST' }])
    expect(got).toMatchObject({ ok: false, attempts: 3 })
    expect(posted).toMatchObject({ ok: false, attempts: 1 })
    expect(connections).toBe(4)
  })

  test('a certificate that nobody signed', async () => {
    const pem = (name: string) => readFileSync(new URL(`./tls/${name}.pem`, import.meta.url))
    const server = await listen(
      createTlsServer({ key: pem('key'), cert: pem('cert') }, (socket) =>
        socket.on('error', () => {}),
      ),
    )
    const error = await failure(server.url.replace('http', 'https'), { retries: 3 })
    expect(error.code).toBe('HOTPATH_BATCH_CONNECTION_FAILED')
    expect(error.message).toContain('DEPTH_ZERO_SELF_SIGNED_CERT')
    await allClosed(server)
  })

  test('429 with a Retry-After that nobody waits for', async () => {
    const date = new Date(Date.now() + 3_600_000).toUTCString()
    for (const value of ['3600', date]) {
      const server = await serve((_, response) => {
        response.writeHead(429, { 'retry-after': value }).end('{"error":"slow down"}')
      })
      const error = await failure(server.url, { retries: 3 })
      expect(error).toMatchObject({
        code: 'HOTPATH_BATCH_STATUS',
        status: 429,
        body: '{"error":"slow down"}',
      })
      expect(error.retryAfterMs).toBeGreaterThan(3_590_000)
      expect(server.requests).toHaveLength(1)
    }
  })

  test('a body that is no JSON', async () => {
    const { url } = await serve((_, response) => response.end('<html>'))
    const error = await failure(url)
    expect(error).toMatchObject({ code: 'HOTPATH_BATCH_BODY_INVALID', status: 200 })
    expect(error.cause).toBeInstanceOf(SyntaxError)
  })

  test('a server that dies in the middle of a batch fails what it had, and no other', async () => {
    const dying = await serve(() => {})
    const healthy = await serve((_, response) => response.end('1'))
    const answer = fetchAll([dying.url, healthy.url, dying.url], { retries: 0 })
    while (dying.requests.length < 2) await sleep(2)
    for (const socket of dying.sockets) socket.resetAndDestroy()
    expect((await answer).map(({ ok }) => ok)).toEqual([false, true, false])
  })
})

describe('redirects', () => {
  test('credentials stay with their origin, and a 303 becomes a GET', async () => {
    const other = await serve((request, response) => {
      response.end(JSON.stringify({ method: request.method, ...request.headers }))
    })
    const first = await serve((request, response) => {
      const location = request.url === '/here' ? '/there' : `${other.url}/`
      if (request.url === '/there') response.end(JSON.stringify(request.headers))
      else response.writeHead(Number(request.headers['x-status']), { location }).end()
    })
    const ask = async (path: string, status: number, method = 'GET') => {
      const headers = {
        authorization: 'a',
        cookie: 'b',
        'proxy-authorization': 'c',
        'content-type': 'text/plain',
        'x-status': `${status}`,
      }
      const body = method === 'GET' ? undefined : 'body'
      const [result] = await fetchAll([{ url: first.url + path, method, headers, body }])
      return (result?.ok === true ? result.value : result) as Record<string, unknown>
    }
    const away = await ask('/away', 302)
    expect(away['x-status']).toBe('302')
    for (const name of ['authorization', 'cookie', 'proxy-authorization']) {
      expect(away).not.toHaveProperty(name)
    }
    expect(await ask('/here', 302)).toMatchObject({ authorization: 'a', cookie: 'b' })
    const seeOther = await ask('/away', 303, 'PUT')
    expect(seeOther['method']).toBe('GET')
    expect(seeOther).not.toHaveProperty('content-type')
    expect((await ask('/away', 302, 'POST'))['method']).toBe('GET')
    expect((await ask('/away', 302, 'PUT'))['method']).toBe('PUT')
    expect(await ask('/away', 307, 'POST')).toMatchObject({ method: 'POST', 'content-length': '4' })
  })
})

describe('the address guard', () => {
  test('refuses literal addresses, names and redirects that are not public', async () => {
    const server = await serve((_, response) => response.end('1'))
    const { port } = new URL(server.url)
    for (const host of [
      '127.0.0.1',
      '0x7f.1',
      '2130706433',
      '[::1]',
      '[::ffff:7f00:1]',
      'localhost',
    ]) {
      const error = await failure(`http://${host}:${port}/`, { publicAddressesOnly: true })
      expect(error.code, host).toBe('HOTPATH_BATCH_ADDRESS_REFUSED')
    }
    expect(server.requests).toHaveLength(0)
    expect(server.sockets.size).toBe(0)
  })

  test('finds no connection that was opened without it', async () => {
    const server = await serve((_, response) => response.end('1'))
    const url = server.url.replace('127.0.0.1', 'localhost')
    const [open] = await fetchAll([url])
    expect(open?.ok).toBe(true)
    expect((await failure(url, { publicAddressesOnly: true })).code).toBe(
      'HOTPATH_BATCH_ADDRESS_REFUSED',
    )
  })
})
