// The server of an abort soak: three routes, compressed on the spot, on a thread and as a stream.
import fastify from 'fastify'
import type { components } from 'hotpath'
import type { CompressorStats } from 'hotpath/compress'
import type { hotpath as fastifyHotpath } from 'hotpath/fastify'
import type { hotpath as nodeHotpath } from 'hotpath/node'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline, Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import type { Beginning, Holdings, Report } from './messages.ts'

const { framework, adapter, core } = JSON.parse(process.argv[2] ?? '') as Beginning
const room = (await import(core)) as { components: typeof components }
const type = 'application/json'
const bodies: Readonly<Record<string, string>> = { '/whole': rows(60), '/threaded': rows(6_000) }

// Node opens them when it is first asked for them, which `pipeline` does: they are no leak.
if (process.stdout.destroyed || process.stderr.destroyed) throw new Error('no output')

const port = framework === 'fastify' ? await listenFastify() : await listenNode()
process.on('message', () => report({ holds: holdings() }))
process.on('disconnect', () => process.exit())
report({ port })

async function listenFastify(): Promise<number> {
  const { hotpath } = (await import(adapter)) as { hotpath: typeof fastifyHotpath }
  const app = fastify()
  await app.register(hotpath, { cache: false, compress: true })
  app.get('/stream', (_request, reply) => reply.type(type).send(streamed()))
  app.get('/*', (request, reply) => reply.type(type).send(bodies[request.url]))
  await app.listen({ host: '127.0.0.1', port: 0 })
  return (app.server.address() as AddressInfo).port
}

async function listenNode(): Promise<number> {
  const { hotpath } = (await import(adapter)) as { hotpath: typeof nodeHotpath }
  const hot = hotpath({ cache: false, compress: true })
  const handler = hot.handler((request, response) => {
    response.setHeader('content-type', type)
    // As a careful handler does it: whichever ends first ends the other.
    if (request.url === '/stream') pipeline(streamed(), response, () => {})
    else response.end(bodies[request.url ?? ''])
  })
  const server = createServer((request, response) => void handler(request, response))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

function holdings(): Holdings {
  // Twice: what the first has found unused is given back by the second.
  for (let time = 0; time < 2; time++) globalThis.gc?.()
  const compressor = room.components().find(({ kind }) => kind === 'compressor')
  const stats = compressor?.stats() as CompressorStats
  const resources: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1
  return {
    rssBytes: process.memoryUsage.rss(),
    resources,
    pending: stats.running + stats.waiting,
    bodies: stats.bodies,
    streams: stats.streams,
  }
}

function streamed(): Readable {
  return Readable.from(pieces(), { objectMode: false })
}

async function* pieces(): AsyncGenerator<string> {
  for (let piece = 0; piece < 8; piece++) {
    yield rows(20)
    await turn()
  }
}

function rows(count: number): string {
  const names = Array.from(
    { length: count },
    (_, id) => `user ${((id * 7_919) % 9_973).toString(36)}`,
  )
  return JSON.stringify(names.map((name, id) => ({ id, name, isOpen: id % 3 > 0, score: id * 37 })))
}

function report(report: Report): void {
  process.send?.(report)
}
