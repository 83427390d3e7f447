import { join } from 'node:path'
import type { BuildName } from '../../api/contract.ts'
import { timeOneByOne } from '../load/one-by-one.ts'
import { interleave, perBuild } from '../per-build.ts'
import type { ProofRow } from '../row.ts'
import { startBuild } from '../servers.ts'
import type { Stage } from '../stage.ts'
import { formatFigure } from '../table.ts'
import { awaitTask, isCompleted, sendUpload } from '../upload.ts'
import { votesFile } from '../votes-file.ts'
import { withClient } from '../with-client.ts'

/** Votes in a file, and in the file of the server that is killed. */
const rowsInFile = 2_000
const rowsAcrossKill = 20_000

/** Far above those of any dump. */
const firstId = 1_500_000_000

export const row: ProofRow = {
  id: 'upload',
  order: 50,
  what: `Background tasks: the answer to an upload of ${rowsInFile.toLocaleString('en-US')} rows`,
  unit: 'ms',
  better: 'lower',
  claimed: '5,000 → 50 ms',
  budgetMs: 6_000,
  async measure(stage) {
    const { ports, signal } = stage
    let nextId = firstId
    const others = perBuild((): number[] => [])
    // Once: the naive build takes its time.
    const answered = await interleave(1, async (build) => {
      const file = votesFile(rowsInFile, nextId)
      nextId += rowsInFile
      const done = new AbortController()
      const waits = askMeanwhile(ports[build], stage, done.signal)
      const { status, answeredMs, location } = await sendUpload(ports[build], file, signal)
      if (status !== 200 && status !== 202) throw new Error(`${build} answered ${status}`)
      if (location !== undefined) await awaitTask(ports[build], location, isCompleted, signal)
      done.abort()
      others[build].push(...(await waits))
      return answeredMs
    })
    // Not p99: who begins late is idle for most of the time, and its waits look short.
    const longest = (build: BuildName) => formatFigure(Math.max(...others[build]))
    return {
      rounds: answered,
      notes: [
        `Background tasks: POST /process-upload/ answers naive when all rows are in the database, usual (a job of pg-boss) and hotpath when the file is on the disk; until the rows are there, the longest that another request took was ${longest('naive')} (naive), ${longest('usual')} (usual) and ${longest('hotpath')} ms (hotpath).`,
        await killInTheMiddle(stage, nextId),
      ],
    }
  },
}

/** Other requests to the build, one after the other, until the signal: what each took. */
async function askMeanwhile(port: number, stage: Stage, until: AbortSignal): Promise<number[]> {
  const { catalogue, signal } = stage
  const path = `/api/users/${catalogue.users[0] ?? 1}`
  const tookMs: number[] = []
  do tookMs.push(...(await timeOneByOne(port, [{ method: 'GET', path }], signal)))
  while (!until.aborted)
  return tookMs
}

/** Kills a server that is adding a file, starts it again, and counts. */
async function killInTheMiddle(stage: Stage, id: number): Promise<string> {
  const { databaseUrl, redisUrl, networkUrl, signal } = stage
  const dataFolder = join(stage.dataFolder, 'killed')
  const options = { databaseUrl, redisUrl, networkUrl, dataFolder, signal }
  const killed = await startBuild('hotpath', options)
  const { location = '' } = await sendUpload(
    killed.port,
    votesFile(rowsAcrossKill, id),
    signal,
  ).catch(async (error: unknown) => {
    await killed.close()
    throw error
  })
  const before = await awaitTask(
    killed.port,
    location,
    ({ state, progress }) => state === 'completed' || Number(progress) > 0,
    signal,
  )
  await killed.kill()
  const again = await startBuild('hotpath', options)
  try {
    const startMs = performance.now()
    await awaitTask(again.port, location, isCompleted, signal)
    const tookMs = performance.now() - startMs
    const there = await countVotes(databaseUrl, id)
    return `A server of the hotpath build was killed when it had read ${(100 * Number(before.progress ?? 1)).toFixed(0)} % of ${rowsAcrossKill.toLocaleString('en-US')} rows; ${formatFigure(tookMs / 1_000)} s after it was up again ${there.toLocaleString('en-US')} were there, each once.`
  } finally {
    await again.close()
  }
}

async function countVotes(databaseUrl: string, id: number): Promise<number> {
  return withClient(databaseUrl, async (client) => {
    const { rows } = await client.query<{ n: number }>(
      'select count(*)::int as n from votes where id >= $1',
      [id],
    )
    return rows[0]?.n ?? 0
  })
}
