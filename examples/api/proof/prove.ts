import type { Network } from '../network/stand-in.ts'
import { readCatalogue, type Catalogue } from './catalogue.ts'
import { conditionsOf } from './conditions.ts'
import { divideCores } from './cores.ts'
import type { Database } from './database.ts'
import { Refusal } from './failure.ts'
import { compareBuilds, type Comparison } from './identical.ts'
import { startLoadProcess } from './load/load-process.ts'
import { describeMachine, readVersions } from './machine.ts'
import type { Progress } from './progress.ts'
import { withQuietAfter } from './quiet.ts'
import type { RedisTier } from './redis-tier.ts'
import { describeRepeatedQueries } from './repeated-queries.ts'
import type { Report } from './report.ts'
import { judge, type ProofRow, type RowResult } from './row.ts'
import { loadRows } from './rows.ts'
import type { Run } from './run.ts'
import { startBuilds } from './servers.ts'
import type { Bench, Stage } from './stage.ts'
import { countStaleEverywhere } from './stale.ts'
import { sum } from './statistics.ts'
import { formatFigure } from './table.ts'
import { staleVerdict } from './verdicts.ts'

export interface ProofOptions {
  readonly database: Database
  readonly redis: RedisTier | undefined
  readonly network: Network
  /** For what the builds keep of uploads. */
  readonly dataFolder: string
  /** Where the data came from. */
  readonly source: string
  /** How long to measure, all rows together; without it, what the time for all of it leaves. */
  readonly durationMs: number | undefined
  /** Interleaved rounds of each row. */
  readonly rounds: number
}

/** What the check for stale answers may take, as a row's budget. */
const stalenessBudgetMs = 6_000

/** What the proof found, and what a page about it can link to. */
export interface Proof {
  readonly report: Report
  readonly catalogue: Catalogue
}

/** Puts the three builds to the proof, one under load at a time, and takes them down again. */
export async function prove(options: ProofOptions, run: Run, progress: Progress): Promise<Proof> {
  const { database, redis, network, dataFolder, source, rounds } = options
  const { signal } = run
  const catalogue = await readCatalogue(database.url)
  checkSize(catalogue, source)

  const cores = divideCores()
  const booting = progress.begin('Starting the three builds')
  const builds = await startBuilds({
    databaseUrl: database.url,
    redisUrl: redis?.url,
    networkUrl: network.url,
    dataFolder,
    signal,
    cores: cores?.server,
  })
  run.defer(builds.close)
  const load = startLoadProcess(signal, cores?.rest)
  run.defer(load.close)
  booting.done('The naive, the usual and the hotpath build are up, each in a process of its own')

  const bench = {
    ports: builds.ports,
    databaseUrl: database.url,
    redisUrl: redis?.url,
    networkUrl: network.url,
    dataFolder,
    catalogue,
    load: withQuietAfter(load, database.url, signal),
    cpuMs: builds.cpuMs,
    signal,
  }
  const comparison = await compare(bench, progress)
  const looking = progress.begin('Looking for repeated queries in the naive build')
  looking.done(await describeRepeatedQueries(database.url))
  const rows = await loadRows()
  const durationMs = options.durationMs ?? remainingMs()
  const scale = durationMs / (sum(rows.map(({ budgetMs }) => budgetMs)) + stalenessBudgetMs)
  const results = new Map<string, RowResult>()
  for (const row of rows) {
    signal.throwIfAborted()
    const stage = { ...bench, rounds, budgetMs: row.budgetMs * scale, results }
    results.set(row.id, await measureRow(row, stage, progress))
  }
  const stale = await checkStaleness(bench, stalenessBudgetMs * scale, progress)
  await Promise.all([builds.close(), load.close()])

  const conditions = conditionsOf({
    versions: await readVersions(database.url),
    database,
    redis,
    cores,
    rounds,
  })
  const { checked, different } = comparison
  return {
    catalogue,
    report: {
      machine: describeMachine(),
      data: { source, ...catalogue.counts },
      identical: { checked, different: different.length },
      results: [...results.values()],
      stale,
      hitRatio: results.get('mixed-rps')?.measurement.hitRatio ?? Number.NaN,
      conditions,
    },
  }
}

/** Of 90 s since the start, what is left, less what the rows take beyond their budgets to settle. */
function remainingMs(): number {
  return Math.min(50_000, Math.max(20_000, 0.65 * (70_000 - performance.now())))
}

/** So little that the rows could not ask for different things would prove nothing. */
function checkSize(catalogue: Catalogue, source: string): void {
  const isEnough =
    catalogue.authors.length >= 10 &&
    catalogue.questions.length >= 10 &&
    catalogue.targets.length > 0
  if (isEnough) return
  throw new Refusal(
    `${source} is too small to measure with: it needs at least 10 questions and 10 authors, and a question with a tag and an author.`,
  )
}

async function compare(
  { ports, catalogue, signal }: Bench,
  progress: Progress,
): Promise<Comparison> {
  const step = progress.begin('Comparing the answers of the builds')
  const comparison = await compareBuilds(ports, catalogue, signal, step.update)
  const { checked, different } = comparison
  step.done(
    different.length === 0
      ? `${checked} sampled requests got the same JSON from all three builds`
      : `${different.length} of ${checked} sampled requests got different answers: ${different.slice(0, 5).join(', ')}`,
  )
  return comparison
}

async function measureRow(row: ProofRow, stage: Stage, progress: Progress): Promise<RowResult> {
  const step = progress.begin(row.what)
  const startMs = performance.now()
  const timer = setInterval(() => step.update((performance.now() - startMs) / stage.budgetMs), 100)
  try {
    const result = judge(row, await row.measure(stage))
    const { naive, usual, hotpath } = result.medians
    step.done(
      `${row.what}: naive ${formatFigure(naive)}, usual ${formatFigure(usual)}, hotpath ${formatFigure(hotpath)} ${row.unit}`,
    )
    return result
  } finally {
    clearInterval(timer)
  }
}

async function checkStaleness(
  bench: Bench,
  durationMs: number,
  progress: Progress,
): Promise<Report['stale']> {
  const step = progress.begin('Reading after writes')
  const stale = await countStaleEverywhere(bench, durationMs)
  step.done(staleVerdict(stale).text)
  return stale
}
