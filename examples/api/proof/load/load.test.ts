import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { runClosedLoop } from './closed-loop.ts'
import { createConnection } from './connection.ts'
import { startLoadProcess } from './load-process.ts'
import { runOnce } from './once.ts'
import { runOpenLoop } from './open-loop.ts'
import { requestBytes, type LoadRequest } from './request.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

const ids = (count: number): LoadRequest[] =>
  Array.from({ length: count }, (_, id) => ({ method: 'GET', path: `/${id}` }))

describe('connection', () => {
  test('sends bodies, reads answers of any size and splits, and keeps the connection', async () => {
    const seen: string[] = []
    const port = await listen((request, response) => {
      request.setEncoding('utf8')
      let body = ''
      request.on('data', (chunk) => (body += chunk))
      request.on('end', () => {
        seen.push(`${request.method} ${request.url} ${body} ${request.socket.remotePort}`)
        const answer = Buffer.alloc(300_000, 'x')
        response.writeHead(201, { 'content-length': answer.length })
        response.write(answer.subarray(0, 10))
        setImmediate(() => response.end(answer.subarray(10)))
      })
    })
    const connection = createConnection(port)
    const patch: LoadRequest = { method: 'PATCH', path: '/a', body: '{"name":"é"}' }
    const statuses = [await send(patch), await send({ method: 'GET', path: '/b' })]
    connection.close()

    expect(statuses).toEqual([201, 201])
    expect(seen[0]).toMatch(/^PATCH \/a \{"name":"é"\} \d+$/)
    expect(seen[1]?.split(' ').at(-1)).toBe(seen[0]?.split(' ').at(-1))

    function send(request: LoadRequest): Promise<number> {
      return new Promise((resolve) => connection.send(requestBytes(port, request), resolve))
    }
  })

  test('a broken connection is status 0, and the next exchange opens another', async () => {
    let requests = 0
    const port = await listen((request, response) => {
      if (++requests === 1) request.socket.destroy()
      else response.end('ok')
    })
    const connection = createConnection(port)
    const send = () =>
      new Promise<number>((resolve) =>
        connection.send(requestBytes(port, { method: 'GET', path: '/' }), resolve),
      )
    expect([await send(), await send()]).toEqual([0, 200])
    connection.close()
  })
})

describe('requests that are sent once', () => {
  test('carry their headers, and are counted by the status of their answers', async () => {
    const clients: unknown[] = []
    const port = await listen((request, response) => {
      clients.push(request.headers['x-forwarded-for'])
      if (request.url === '/0') return request.socket.destroy()
      response.statusCode = clients.length > 3 ? 429 : 200
      response.end('{}')
    })
    const requests = ids(5).map((request) => ({
      ...request,
      headers: { 'x-forwarded-for': '203.0.113.1' },
    }))
    expect(await runOnce({ port, connections: 1, requests })).toEqual({ 0: 1, 200: 2, 429: 2 })
    expect(clients).toEqual(Array(5).fill('203.0.113.1'))
  })
})

describe('closed loop', () => {
  test('deals different requests to the connections and counts failures apart', async () => {
    const paths = new Map<number | undefined, Set<string>>()
    let coded = 0
    const port = await listen((request, response) => {
      const seen = paths.get(request.socket.remotePort) ?? new Set()
      paths.set(request.socket.remotePort, seen.add(request.url ?? ''))
      if (request.headers['accept-encoding'] !== undefined) coded++
      response.writeHead(request.url === '/3' ? 500 : 200).end('{}')
    })
    const figures = await runClosedLoop({
      port,
      connections: 2,
      warmUpMs: 50,
      durationMs: 200,
      requests: ids(4).map((request) => ({ ...request, headers: { 'accept-encoding': 'br' } })),
    })

    expect(coded).toBeGreaterThan(figures.answered)
    expect([...paths.values()].map((seen) => [...seen].sort())).toContainEqual(['/0', '/2'])
    expect([...paths.values()].map((seen) => [...seen].sort())).toContainEqual(['/1', '/3'])
    expect(figures.answered).toBeGreaterThan(figures.failed)
    expect(figures.failed).toBeGreaterThan(0)
    expect(figures.perSecond).toBe(figures.answered * 5)
    expect(figures.received).toBeGreaterThan(figures.answered + figures.failed)
  })
})

describe('open loop', () => {
  test('a server that keeps up gets every request that falls due', async () => {
    let requests = 0
    const port = await listen((_request, response) => {
      requests++
      response.end('{}')
    })
    const figures = await runOpenLoop({
      port,
      connections: 8,
      perSecond: 200,
      warmUpMs: 100,
      durationMs: 300,
      requests: ids(10),
    })
    expect(figures).toMatchObject({ due: 60, failed: 0 })
    expect(requests).toBe(80)
  })

  test('the wait for a free connection counts, and an overload shows as unanswered', async () => {
    // Two connections and 50 ms an answer make 40 a second; 400 a second fall due.
    const port = await listen((_request, response) => {
      setTimeout(() => response.end('{}'), 50)
    })
    const figures = await runOpenLoop({
      port,
      connections: 2,
      perSecond: 400,
      warmUpMs: 0,
      durationMs: 500,
      requests: ids(10),
    })
    expect(figures.due).toBe(200)
    expect(figures.answeredRatio).toBeLessThan(0.4)
    expect(figures.p50Ms).toBeGreaterThan(200)
  })

  test('failed answers count as failed and as slow, never as fast', async () => {
    const port = await listen((_request, response) => response.writeHead(500).end())
    const figures = await runOpenLoop({
      port,
      connections: 4,
      perSecond: 100,
      warmUpMs: 0,
      durationMs: 300,
      requests: ids(1),
    })
    expect(figures).toMatchObject({ due: 30, failed: 30, answeredRatio: 0 })
    expect(figures.p50Ms).toBeGreaterThan(100)
  })
})

describe('load process', () => {
  test('runs jobs one after another and ends when closed', async () => {
    const port = await listen((_request, response) => response.end('{}'))
    const load = startLoadProcess(new AbortController().signal)
    const job = { port, connections: 2, warmUpMs: 0, durationMs: 500, requests: ids(2) }
    expect((await load.closedLoop(job)).answered).toBeGreaterThan(0)
    expect((await load.openLoop({ ...job, perSecond: 100 })).due).toBe(50)
    expect(await load.once(job)).toEqual({ 200: 2 })
    await load.close()
    await expect(load.closedLoop(job)).rejects.toThrow()
  })

  test('stops waiting when the run is aborted', async () => {
    const port = await listen((_request, response) => response.end('{}'))
    const run = new AbortController()
    const load = startLoadProcess(run.signal)
    const job = { port, connections: 2, warmUpMs: 0, durationMs: 60_000, requests: ids(2) }
    const running = load.closedLoop(job)
    run.abort(new Error('interrupted'))
    await expect(running).rejects.toThrow()
    await load.close()
  })
})

function listen(listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  servers.push(server)
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}
