import { monitorEventLoopDelay } from 'node:perf_hooks'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import type { Bench, Contender, Figures, HttpWorkload } from '../kit/bench.ts'
import { readPages } from '../compress/pages.ts'
import { serveFastify } from '../kit/cached-route.ts'
import { alignedTable } from '../kit/table.ts'

const sizes: Readonly<Record<string, number>> = {
  '/20kb': 20_000,
  '/200kb': 200_000,
  '/1mb': 1_000_000,
}
const pages: Record<string, string> = {}

/** In each process that serves or judges them. */
async function loadPages(): Promise<void> {
  const found = await readPages(Object.values(sizes))
  Object.keys(sizes).forEach((path, at) => (pages[path] = found[at] ?? ''))
}

const routes = (app: FastifyInstance) => {
  for (const [path, body] of Object.entries(pages)) {
    app.get(path, (_request, reply) => {
      reply.header('content-type', 'application/json; charset=utf-8').send(body)
    })
  }
}

const ownFastify: Contender = async () => {
  await loadPages()
  const { hotpath } = await import('hotpath/fastify')
  return serveFastify(async (app) => {
    await app.register(hotpath, { cache: false, compress: true })
    routes(app)
  })
}

const peerFastify: Contender = async () => {
  await loadPages()
  const { default: compress } = await import('@fastify/compress')
  return serveFastify(async (app) => {
    // Its default threshold; what it chooses where the client leaves it the choice is its own affair.
    await app.register(compress, { global: true, zlibOptions: { level: 6 } })
    routes(app)
  })
}

interface Choice {
  readonly offered: string
  readonly path: string
  readonly coding: string
  readonly bytes: number
  readonly saved: number
}

let longestDelayMs = Number.NaN

const decoders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
}

/** What each server makes of a page, and how long ours keeps its event loop waiting. */
async function look(): Promise<void> {
  await loadPages()
  const servers = { '@fastify/compress': peerFastify, hotpath: ownFastify }
  const given = { url: () => '', workload: '' }
  const rows: string[][] = []
  for (const [name, start] of Object.entries(servers)) {
    const { url = '', close } = await start(given)
    for (const offered of ['gzip', 'gzip, deflate, br, zstd']) {
      for (const [path, body] of Object.entries(pages)) {
        const choice = await ask(url, path, offered, body)
        rows.push([
          name,
          offered,
          path,
          choice.coding,
          choice.bytes.toLocaleString('en-US'),
          (100 * choice.saved).toFixed(1),
        ])
      }
    }
    if (name === 'hotpath') longestDelayMs = await delayUnderLoad(url)
    await close?.()
  }
  console.log(
    `\nwhat a client is sent\n${alignedTable([['server', 'offered', 'page', 'coding', 'bytes', 'saved %'], ...rows])}`,
  )
  console.log(
    `event loop of hotpath, pages of 1 MB as gzip, 8 at once: p99 ${longestDelayMs.toFixed(1)} ms late`,
  )
}

async function ask(url: string, path: string, offered: string, body: string): Promise<Choice> {
  const { request } = await import('node:http')
  const { coding, bytes } = await new Promise<{ coding: string; bytes: Buffer }>(
    (resolve, reject) => {
      request(url + path, { headers: { 'accept-encoding': offered } }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve({
            coding: response.headers['content-encoding'] ?? 'identity',
            bytes: Buffer.concat(chunks),
          }),
        )
      })
        .on('error', reject)
        .end()
    },
  )
  const text = (decoders[coding]?.(bytes) ?? bytes).toString()
  if (text !== body) throw new Error(`${path} as ${coding} is not the page`)
  return { offered, path, coding, bytes: bytes.length, saved: 1 - bytes.length / body.length }
}

// In this process, which asks and answers: what is late here is no later in a server of its own.
async function delayUnderLoad(url: string): Promise<number> {
  const { Agent, request } = await import('node:http')
  const agent = new Agent({ keepAlive: true })
  const once = () =>
    new Promise<void>((resolve, reject) => {
      request(`${url}/1mb`, { agent, headers: { 'accept-encoding': 'gzip' } }, (response) => {
        response.resume().on('end', resolve)
      })
        .on('error', reject)
        .end()
    })
  for (let time = 0; time < 8; time++) await once()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const untilMs = performance.now() + 4_000
  const work = async () => {
    while (performance.now() < untilMs) await once()
  }
  await Promise.all(Array.from({ length: 8 }, work))
  delay.disable()
  agent.destroy()
  // It measures from one tick to the next: a millisecond is the tick itself.
  return delay.percentile(99) / 1e6 - 1
}

function workload(about: string, path: string, offered: string): HttpWorkload {
  return {
    kind: 'http',
    about,
    path,
    headers: { 'accept-encoding': offered },
    connections: 16,
    pipelining: 1,
    warmupMs: 200,
    sliceMs: 500,
    latencySliceMs: 100,
  }
}

const faster = (name: string) => (figures: Figures) =>
  figures.ratio(name, 'hotpath', '@fastify/compress', 'requestsPerSecond')

const bench: Bench = {
  title: 'JSON compressed on Fastify, end to end',
  settings: [
    'pages of real posts, HTML in JSON, the same from each server; gzip at level 6; codings as the client offers them',
    'with zstd offered each server chooses for itself; the table above says what',
    'servers on one core, with the threads that compress',
  ],
  peers: ['fastify', '@fastify/compress'],
  services: [],
  rounds: 4,
  processes: 'per-run',
  prepare: look,
  workloads: {
    'gzip-20kb': workload('20 kB, gzip', '/20kb', 'gzip'),
    'gzip-200kb': workload('200 kB, gzip', '/200kb', 'gzip'),
    'all-20kb': workload(
      '20 kB, gzip, deflate, br and zstd offered',
      '/20kb',
      'gzip, deflate, br, zstd',
    ),
    'all-200kb': workload(
      '200 kB, gzip, deflate, br and zstd offered',
      '/200kb',
      'gzip, deflate, br, zstd',
    ),
  },
  contenders: {
    '@fastify/compress': peerFastify,
    hotpath: ownFastify,
  },
  baseline: '@fastify/compress',
  claims: [
    {
      claim: '20 kB as gzip: at least 1.25 times the requests of @fastify/compress',
      value: faster('gzip-20kb'),
      atLeast: 1.25,
    },
    { claim: '200 kB as gzip: at least 1.25 times', value: faster('gzip-200kb'), atLeast: 1.25 },
    { claim: '20 kB with zstd offered: at least 3 times', value: faster('all-20kb'), atLeast: 3 },
    { claim: '200 kB with zstd offered: at least 3 times', value: faster('all-200kb'), atLeast: 3 },
    {
      claim: 'the event loop is at most 10 ms late (p99) under pages of 1 MB',
      value: () => longestDelayMs,
      atMost: 10,
    },
  ],
}

export default bench
