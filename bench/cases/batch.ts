import { contenders, type MakeFetch } from '../batch/contenders.ts'
import { measureAiohttp, type AiohttpFigures } from '../batch/aiohttp.ts'
import { measureHedging, type HedgingFigures } from '../batch/hedging.ts'
import { startUpstream } from '../batch/upstream.ts'
import type { Bench, CallersWorkload, Contender, Figures, Subject } from '../kit/bench.ts'

const concurrency = 50
const calls = 1_000
const answerMs = 20

/** Where the contenders' processes find the server. */
const variable = 'HOTPATH_BENCH_UPSTREAM'

const contender =
  (make: MakeFetch): Contender =>
  async ({ workload }): Promise<Subject> => {
    const upstream = process.env[variable] ?? ''
    const url = `${upstream}/${workload === 'waiting' ? answerMs : 0}`
    const urls = Array.from({ length: calls }, () => url)
    const fetchMany = await make(concurrency, url)
    return { call: () => fetchMany(urls) }
  }

function batches(about: string, warmupMs: number, sliceMs: number): CallersWorkload {
  return {
    kind: 'callers',
    about: `${about}; a call is a batch of ${calls.toLocaleString('en-US')} requests, so µs/call is ns/request`,
    callers: 1,
    inputs: [0],
    check: (answers) =>
      Array.isArray(answers) &&
      answers.length === calls &&
      answers.every((answer) => (answer as { name?: unknown } | undefined)?.name === 'ada'),
    warmupMs,
    sliceMs,
  }
}

let hedging: HedgingFigures = { plainP99Ms: NaN, hedgedP99Ms: NaN, requestsRatio: NaN }
let aiohttp: AiohttpFigures | undefined

async function prepare(): Promise<void> {
  const upstream = await startUpstream()
  process.env[variable] = upstream.url
  aiohttp = measureAiohttp(`${upstream.url}/${answerMs}`, calls, concurrency)
  console.log(
    aiohttp === undefined
      ? '- aiohttp: not installed, so nothing is claimed about it (apt-get install python3-aiohttp)'
      : `- aiohttp, ${answerMs} ms answers: ${aiohttp.batchMs.toFixed(0)} ms for a batch, ${aiohttp.cpuMicrosPerCall.toFixed(0)} µs of CPU for a request`,
  )
  hedging = await measureHedging(upstream)
  const { plainP99Ms, hedgedP99Ms, requestsRatio } = hedging
  console.log(
    `- three in a hundred answers take 200 ms instead of 2: p99 ${plainP99Ms.toFixed(0)} ms, hedged after 15 ms ` +
      `${hedgedP99Ms.toFixed(0)} ms with ${((requestsRatio - 1) * 100).toFixed(1)} % more requests`,
  )
}

const peers = [
  'p-map, undici Pool',
  'p-limit, undici',
  'p-queue, undici',
  'p-map, node:http agent',
  'p-map, got',
  'p-map, ky',
  'p-map, axios',
]

const bench: Bench = {
  title: `${calls.toLocaleString('en-US')} HTTP requests, ${concurrency} at a time`,
  settings: [
    'one server in a process of its own, 21 bytes of JSON over HTTP/1.1 keep-alive; all parse the answer',
    `ideal with ${answerMs} ms answers: ${(calls / concurrency) * answerMs} ms for a batch`,
    'raw sockets: written and read by hand, no headers parsed; the best that can be',
    'hotpath with its defaults: timeout, retries, body limit; got and ky with theirs',
  ],
  peers: ['undici', 'p-map', 'p-limit', 'p-queue', 'got', 'ky', 'axios'],
  services: [],
  rounds: 3,
  processes: 'per-round',
  prepare,
  workloads: {
    // First, so that at the other everybody runs on code that V8 has compiled. One batch is enough there.
    busy: batches('answers at once', 300, 200),
    waiting: batches(`${answerMs} ms answers`, 1, 1),
  },
  contenders: Object.fromEntries(
    Object.entries(contenders).map(([name, make]) => [name, contender(make)]),
  ),
  baseline: 'hotpath/batch',
  claims: [
    {
      claim: `${answerMs} ms answers: at least 0.95 times raw sockets driven by hand`,
      value: (figures) =>
        figures.ratio('waiting', 'hotpath/batch', 'raw sockets, by hand', 'perSecond'),
      atLeast: 0.95,
    },
    ...peers
      .filter((peer) => peer !== 'p-map, undici Pool')
      .map((peer) => ({
        claim: `${answerMs} ms answers: ahead of ${peer}`,
        value: (figures: Figures) => figures.ratio('waiting', 'hotpath/batch', peer, 'perSecond'),
        atLeast: 1,
      })),
    {
      claim: `${answerMs} ms answers: ahead of aiohttp`,
      value: (figures) =>
        aiohttp && aiohttp.batchMs / figures.median('waiting', 'hotpath/batch', 'p50Ms'),
      atLeast: 1,
    },
    {
      claim: 'answers at once: at least as many requests as p-map with an undici Pool',
      value: (figures) => figures.ratio('busy', 'hotpath/batch', 'p-map, undici Pool', 'perSecond'),
      atLeast: 1,
    },
    {
      claim: 'hedging: p99 at most half on a server with a long tail',
      value: () => hedging.hedgedP99Ms / hedging.plainP99Ms,
      atMost: 0.5,
    },
    {
      claim: 'hedging: at most 5 % more requests',
      value: () => hedging.requestsRatio,
      atMost: 1.05,
    },
  ],
}

export default bench
