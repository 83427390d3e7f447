// Runs one build of the API: `node examples/api/server.ts hotpath --port 3000`.
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { buildNames, type Build, type BuildName } from './api/contract.ts'

const usage = `Usage: server.ts ${buildNames.join('|')} [--port N] [--page FILE], with DATABASE_URL set.`

try {
  await serve(readArguments())
} catch (error) {
  process.exitCode = 1
  console.error(error instanceof Error ? error.message : error)
  // A parent that waits for "ready" learns from the exit that it will not come.
  if (process.connected) process.disconnect()
}

interface Arguments {
  readonly name: BuildName
  readonly port: number
  /** A file of HTML to serve at `/`. */
  readonly page: string | undefined
  readonly databaseUrl: string
}

function readArguments(): Arguments {
  const { values, positionals } = parseArgs({
    options: { port: { type: 'string', default: '0' }, page: { type: 'string' } },
    allowPositionals: true,
  })
  const name = buildNames.find((known) => known === positionals[0])
  const port = Number(values.port)
  const databaseUrl = process.env.DATABASE_URL
  const isComplete = name !== undefined && positionals.length === 1 && databaseUrl !== undefined
  if (!isComplete || !Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(usage)
  return { name, port, page: values.page, databaseUrl }
}

async function serve({ name, port, page, databaseUrl }: Arguments): Promise<void> {
  const { build } = (await import(`./builds/${name}.ts`)) as { build: Build }
  const { REDIS_URL: redisUrl, NETWORK_URL: networkUrl, DATA_FOLDER: dataFolder } = process.env
  // The page shows budgets; where builds are compared there is none.
  const isJudged = page !== undefined
  const app = await build({ databaseUrl, redisUrl, networkUrl, dataFolder, isJudged })
  if (page !== undefined) {
    app.get('/', async (_request, reply) => reply.type('text/html').send(await readFile(page)))
  }

  // The proof asks what it has cost so far: the CPU time of all threads.
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send?.({ cpuMs: (user + system) / 1_000 })
  })

  // Once each: a second Ctrl-C ends the process at once.
  for (const ending of ['SIGINT', 'SIGTERM', 'disconnect'] as const) {
    process.once(ending, () => void end())
  }
  async function end(): Promise<void> {
    await app.close()
    if (process.connected) process.disconnect()
  }

  await app.listen({ port, host: '127.0.0.1' }).catch(async (error: NodeJS.ErrnoException) => {
    await app.close()
    if (error.code !== 'EADDRINUSE') throw error
    throw new Error(`Port ${port} is in use: end what listens there, or choose another --port.`)
  })
  const listening = (app.server.address() as AddressInfo).port
  if (process.send !== undefined) process.send({ ready: true, port: listening })
  else console.log(`The ${name} build listens on http://127.0.0.1:${listening}.`)
}
