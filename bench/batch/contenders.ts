import http from 'node:http'
import { connect, type Socket } from 'node:net'

/** Fetches all addresses, so many at a time, and parses the answers. */
export type FetchMany = (urls: readonly string[]) => Promise<readonly unknown[]>

/** Makes ready a contender that keeps `concurrency` requests under way. */
export type MakeFetch = (concurrency: number, url: string) => Promise<FetchMany>

/** Each as its documentation recommends it for many calls to one server. */
export const contenders: Readonly<Record<string, MakeFetch>> = {
  'raw sockets, by hand': async (concurrency, url) => rawSockets(concurrency, url),

  'hotpath/batch': async (concurrency) => {
    const { fetchAll } = await import('hotpath/batch')
    return async (urls) => {
      const results = await fetchAll(urls, { concurrency })
      return results.map((result) => (result.ok ? result.value : undefined))
    }
  },

  'p-map, undici Pool': async (concurrency, url) => {
    const { default: pMap } = await import('p-map')
    const { Pool } = await import('undici')
    const pool = new Pool(new URL(url).origin, { connections: concurrency })
    return (urls) =>
      pMap(
        urls,
        async (one) => {
          const { pathname: path } = new URL(one)
          const { body } = await pool.request({ path, method: 'GET' })
          return body.json()
        },
        { concurrency },
      )
  },

  'p-limit, undici': async (concurrency) => {
    const { default: pLimit } = await import('p-limit')
    const { Agent, request } = await import('undici')
    const dispatcher = new Agent({ connections: concurrency })
    const limit = pLimit(concurrency)
    return (urls) =>
      Promise.all(
        urls.map((one) => limit(async () => (await request(one, { dispatcher })).body.json())),
      )
  },

  'p-queue, undici': async (concurrency) => {
    const { default: PQueue } = await import('p-queue')
    const { Agent, request } = await import('undici')
    const dispatcher = new Agent({ connections: concurrency })
    const queue = new PQueue({ concurrency })
    return (urls) =>
      queue.addAll(urls.map((one) => async () => (await request(one, { dispatcher })).body.json()))
  },

  'p-map, node:http agent': async (concurrency) => {
    const { default: pMap } = await import('p-map')
    const agent = keepAliveAgent(concurrency)
    return (urls) => pMap(urls, (one) => getJson(one, agent), { concurrency })
  },

  'p-map, got': async (concurrency) => {
    const { default: pMap } = await import('p-map')
    const { default: got } = await import('got')
    const client = got.extend({ agent: { http: keepAliveAgent(concurrency) } })
    return (urls) => pMap(urls, (one) => client(one).json(), { concurrency })
  },

  'p-map, ky': async (concurrency) => {
    const { default: pMap } = await import('p-map')
    const { default: ky } = await import('ky')
    return (urls) => pMap(urls, (one) => ky(one).json(), { concurrency })
  },

  'p-map, axios': async (concurrency) => {
    const { default: pMap } = await import('p-map')
    const { default: axios } = await import('axios')
    const client = axios.create({ httpAgent: keepAliveAgent(concurrency) })
    return (urls) => pMap(urls, async (one) => (await client.get(one)).data, { concurrency })
  },
}

function keepAliveAgent(maxSockets: number): http.Agent {
  return new http.Agent({ keepAlive: true, maxSockets })
}

function getJson(url: string, agent: http.Agent): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent }, (response) => {
      response.setEncoding('utf8')
      let text = ''
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve(JSON.parse(text)))
      response.on('error', reject)
    })
    request.on('error', reject)
  })
}

/** What nobody can beat: sockets that are open, one request on each, nothing checked but the status. */
async function rawSockets(concurrency: number, url: string): Promise<FetchMany> {
  const { port, hostname } = new URL(url)
  const sockets = await Promise.all(
    Array.from({ length: concurrency }, async () => {
      const socket = connect({ port: Number(port), host: hostname, noDelay: true })
      await new Promise((resolve) => socket.once('connect', resolve))
      return socket
    }),
  )
  return async (urls) => {
    const results: unknown[] = []
    let next = 0
    const work = async (socket: Socket) => {
      while (next < urls.length) {
        const place = next++
        const { pathname } = new URL(urls[place] as string)
        results[place] = await ask(socket, `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`)
      }
    }
    await Promise.all(sockets.map(work))
    return results
  }
}

function ask(socket: Socket, request: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    // An answer of this server comes in one piece.
    socket.once('data', (chunk) => {
      const text = chunk.toString('latin1')
      if (!text.startsWith('HTTP/1.1 200')) return reject(new Error(text))
      resolve(JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)))
    })
    socket.write(request)
  })
}
