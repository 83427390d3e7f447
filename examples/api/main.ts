// The main job, `npm start`: a real API in three builds, the same load on each, the proof printed.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startNetwork, type Network } from './network/stand-in.ts'
import { openDatabase, type Database } from './proof/database.ts'
import { checkRoom } from './proof/disk-room.ts'
import { makeFolder } from './proof/folder.ts'
import { checkNode } from './proof/node-version.ts'
import { checkJsonPath, readOptions, usage, type Options } from './proof/options.ts'
import { renderPage } from './proof/page/page.ts'
import { checkPort } from './proof/port.ts'
import { createProgress, type Progress } from './proof/progress.ts'
import { prove, type Proof } from './proof/prove.ts'
import { describeRedisTier, openRedisTier, type RedisTier } from './proof/redis-tier.ts'
import { isWrong, toJson } from './proof/report.ts'
import { execute, type Run } from './proof/run.ts'
import { startBuild } from './proof/servers.ts'
import { checkDumpFolder, loadSite } from './proof/site.ts'
import { toText } from './proof/text-report.ts'

await execute(async (run) => {
  const options = readOptions(process.argv.slice(2))
  const progress = createProgress()
  if (options.isHelp) {
    progress.print(usage)
    return 0
  }
  await checkBeforehand(options)

  const { database, redis, network } = await openServices(run, progress)
  const source = await loadSite(database.url, options.dumpFolder, run, progress)
  const { durationMs, rounds } = options
  const { path: dataFolder } = await makeFolder(run)
  const proof = await prove(
    { database, redis, network, dataFolder, source, durationMs, rounds },
    run,
    progress,
  )

  progress.print(toText(proof.report))
  if (options.jsonPath !== undefined) {
    await writeFile(options.jsonPath, toJson(proof.report))
    progress.print(`The figures are in ${options.jsonPath}.`)
  }
  if (!options.isExiting)
    await keepUp(proof, { database, redis, network }, options.port, run, progress)
  return isWrong(proof.report) ? 1 : 0
})

/** What can be refused is refused before the work begins. */
async function checkBeforehand({ jsonPath, dumpFolder, isExiting, port }: Options): Promise<void> {
  checkNode()
  if (jsonPath !== undefined) await checkJsonPath(jsonPath)
  if (dumpFolder !== undefined) await checkDumpFolder(dumpFolder)
  if (!isExiting) await checkPort(port)
  checkRoom(process.env.DATABASE_URL === undefined, dumpFolder === undefined)
}

interface Services {
  readonly database: Database
  readonly redis: RedisTier | undefined
  readonly network: Network
}

async function openServices(run: Run, progress: Progress): Promise<Services> {
  const { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl } = process.env
  const redis = redisUrl === undefined ? undefined : await openRedisTier(redisUrl)
  if (redis !== undefined) run.defer(redis.close)
  run.signal.throwIfAborted()

  const step = progress.begin('Opening a database')
  const database = await openDatabase(databaseUrl)
  run.defer(database.close)
  run.signal.throwIfAborted()
  step.done(`Database: ${database.place}`)
  progress.print(`          Redis tier: ${describeRedisTier(redis)}`)
  const network = await startNetwork()
  run.defer(network.close)
  return { database, redis, network }
}

/** Serves the hotpath build, and the proof as a page beside it, until the run is interrupted. */
async function keepUp(
  { report, catalogue }: Proof,
  { database, redis, network }: Services,
  port: number,
  run: Run,
  progress: Progress,
): Promise<void> {
  const { signal } = run
  const folder = await makeFolder(run)
  const pagePath = join(folder.path, 'page.html')
  await writeFile(pagePath, renderPage(report, catalogue))
  const server = await startBuild('hotpath', {
    databaseUrl: database.url,
    redisUrl: redis?.url,
    networkUrl: network.url,
    dataFolder: join(folder.path, 'data'),
    signal,
    port,
    pagePath,
  })
  run.defer(server.close)
  progress.print(
    `The hotpath build is up on http://localhost:${server.port}, its live figures under /hotpath/stats. Ctrl-C ends it and removes everything.`,
  )
  await server.keepUp(signal)
}
