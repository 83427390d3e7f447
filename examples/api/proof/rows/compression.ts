import { get } from 'node:http'
import type { BuildName } from '../../api/contract.ts'
import type { LoadRequest } from '../load/request.ts'
import { perBuild, type PerBuild } from '../per-build.ts'
import type { ProofRow } from '../row.ts'
import type { Stage } from '../stage.ts'
import { formatFigure } from '../table.ts'

/** Figures about 50 tags: the largest answer that is the same for everybody. */
const path = '/api/stats/tags'
/** The newest questions: more of it is what people have written, and less of it JSON. */
const prosePath = '/api/questions'

/** What browsers say that they read. */
const acceptEncoding = 'gzip, deflate, br, zstd'

const connections = 8

export const row: ProofRow = {
  id: 'compression',
  order: 70,
  what: 'Compression: figures about 50 tags, on the wire',
  unit: 'kB',
  better: 'lower',
  claimed: '70–90 % saved',
  budgetMs: 3_000,
  // 70 % saved are 30 % sent.
  aims: { gain: 1 / 0.3 },
  async measure(stage) {
    const { ports, signal } = stage
    const page = await readBodies(ports, path, signal)
    const prose = await readBodies(ports, prosePath, signal)
    const plainBytes = page.naive.bytes
    const saved = (build: BuildName, { naive, [build]: sent }: typeof page) =>
      `${formatFigure(100 * (1 - sent.bytes / naive.bytes))} % (${sent.coding})`

    const runMs = stage.budgetMs / 6
    const costs: string[] = []
    for (const build of ['usual', 'hotpath'] as const) {
      const plain = await measureCost(stage, build, {}, runMs)
      const headers = { 'accept-encoding': acceptEncoding }
      const compressed = await measureCost(stage, build, headers, runMs)
      const perMb = ({ cpuMs, pages }: Cost) => formatFigure(cpuMs / ((pages * plainBytes) / 1e6))
      costs.push(
        `${build} ${perMb(compressed)} ms (${perMb(plain)} ms uncompressed), p99 ${formatFigure(compressed.p99Ms)} ms (${formatFigure(plain.p99Ms)} ms)`,
      )
    }
    return {
      rounds: perBuild((build) => [page[build].bytes / 1_000]),
      notes: [
        `Compression: of GET ${path}, asked for with "Accept-Encoding: ${acceptEncoding}", usual saves ${saved('usual', page)} and hotpath ${saved('hotpath', page)}; of GET ${prosePath} ${saved('usual', prose)} and ${saved('hotpath', prose)}.`,
        `CPU of the server for 1 MB of that page, all that it does for it: ${costs.join('; ')}. The usual build compresses each answer, hotpath keeps the page compressed.`,
      ],
    }
  },
}

interface Body {
  /** As they travel, without the head. */
  readonly bytes: number
  readonly coding: string
}

async function readBodies(
  ports: PerBuild<number>,
  page: string,
  signal: AbortSignal,
): Promise<PerBuild<Body>> {
  const naive = await readBody(ports.naive, page, signal)
  const usual = await readBody(ports.usual, page, signal)
  return { naive, usual, hotpath: await readBody(ports.hotpath, page, signal) }
}

function readBody(port: number, page: string, signal: AbortSignal): Promise<Body> {
  const headers = { 'accept-encoding': acceptEncoding }
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path: page, headers, signal }, (response) => {
      let bytes = 0
      response.on('data', (chunk: Buffer) => (bytes += chunk.length))
      response.on('error', reject)
      response.on('end', () => {
        resolve({ bytes, coding: response.headers['content-encoding'] ?? 'identity' })
      })
    })
    request.on('error', reject)
  })
}

interface Cost {
  readonly cpuMs: number
  /** How many pages that CPU time was spent on. */
  readonly pages: number
  readonly p99Ms: number
}

async function measureCost(
  { ports, load, cpuMs }: Stage,
  build: BuildName,
  headers: NonNullable<LoadRequest['headers']>,
  durationMs: number,
): Promise<Cost> {
  const before = await cpuMs(build)
  const { p99Ms, received } = await load.closedLoop({
    port: ports[build],
    connections,
    warmUpMs: durationMs * 0.2,
    durationMs: durationMs * 0.8,
    requests: Array.from({ length: connections }, () => ({ method: 'GET', path, headers })),
  })
  return { cpuMs: (await cpuMs(build)) - before, pages: received, p99Ms }
}
