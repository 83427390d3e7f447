import { join } from 'node:path'
import { buildNames, type BuildName } from '../api/contract.ts'
import type { PerBuild } from './per-build.ts'
import { startChild, type Child } from './child-process.ts'

const module = new URL('../server.ts', import.meta.url)

/** A build of the API in a process of its own. */
export interface BuildServer {
  readonly port: number
  readonly close: Child['close']
  /** Ends it as the machine's end would, and waits until it is gone. */
  readonly kill: Child['kill']
  /** The CPU time that it has taken since it was started, in all of its threads. */
  cpuMs(signal: AbortSignal): Promise<number>
  /** Rejects when the signal aborts, or when the process ends without being told to. */
  keepUp(signal: AbortSignal): Promise<unknown>
}

export interface ServerOptions {
  readonly databaseUrl: string
  readonly redisUrl?: string | undefined
  readonly networkUrl: string
  /** For uploads and their tasks. */
  readonly dataFolder: string
  readonly signal: AbortSignal
  /** 0 takes a free port. */
  readonly port?: number | undefined
  /** The cores to keep it to, as `taskset -c` writes them. */
  readonly cores?: string | undefined
  /** A file for the hotpath build to serve at `/`. */
  readonly pagePath?: string | undefined
}

/** Starts one build and waits until it listens. */
export async function startBuild(build: BuildName, options: ServerOptions): Promise<BuildServer> {
  const { signal, port = 0, cores, pagePath } = options
  const child = startChild(module, {
    name: `${build} build`,
    args: [build, '--port', String(port), ...(pagePath === undefined ? [] : ['--page', pagePath])],
    env: environment(options),
    cores,
  })
  try {
    const ready = (await child.receive(signal)) as { ready: true; port: number }
    return {
      port: ready.port,
      close: child.close,
      kill: child.kill,
      keepUp: child.receive,
      async cpuMs(asking) {
        child.send('cpu')
        return ((await child.receive(asking)) as { cpuMs: number }).cpuMs
      },
    }
  } catch (error) {
    await child.close()
    throw error
  }
}

/** Starts all builds; all of them are closed again when one does not start. */
export async function startBuilds(options: ServerOptions): Promise<{
  ports: PerBuild<number>
  cpuMs: (build: BuildName) => Promise<number>
  close: () => Promise<void>
}> {
  const started = await Promise.allSettled(
    buildNames.map((build) =>
      startBuild(build, { ...options, dataFolder: join(options.dataFolder, build) }),
    ),
  )
  const servers = started.filter((outcome) => outcome.status === 'fulfilled')
  const close = async () => {
    await Promise.all(servers.map(({ value }) => value.close()))
  }
  const failure = started.find((outcome) => outcome.status === 'rejected')
  if (failure !== undefined) {
    await close()
    throw failure.reason
  }
  const [naive = 0, usual = 0, hotpath = 0] = servers.map(({ value }) => value.port)
  const cpuMs = async (build: BuildName) =>
    (await servers[buildNames.indexOf(build)]?.value.cpuMs(options.signal)) ?? Number.NaN
  return { ports: { naive, usual, hotpath }, cpuMs, close }
}

function environment(options: ServerOptions): NodeJS.ProcessEnv {
  const { databaseUrl, redisUrl, networkUrl, dataFolder } = options
  const { REDIS_URL: _, ...inherited } = process.env
  const redis = redisUrl === undefined ? {} : { REDIS_URL: redisUrl }
  const own = { DATABASE_URL: databaseUrl, NETWORK_URL: networkUrl, DATA_FOLDER: dataFolder }
  return { ...inherited, ...redis, ...own, NODE_ENV: 'production' }
}
