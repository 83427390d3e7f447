import { buildNames } from '../api/contract.ts'
import type { Catalogue, Target } from './catalogue.ts'
import { ask } from './json-client.ts'
import { drawMix } from './load/mix.ts'
import type { LoadRequest } from './load/request.ts'
import { perBuild, type PerBuild } from './per-build.ts'
import type { StaleCount } from './report.ts'
import type { Bench } from './stage.ts'
import { sum } from './statistics.ts'
import { withClient } from './with-client.ts'

export interface StaleCheckOptions {
  readonly port: number
  readonly databaseUrl: string
  readonly catalogue: Catalogue
  readonly durationMs: number
  readonly signal: AbortSignal
}

/** What a write changed, and how to find it in an answer. */
interface Change {
  readonly write: LoadRequest
  readonly truthSql: string
  readonly truthId: number
  /** The values that an answer shows of what was written. */
  readonly shown: (body: unknown) => unknown[]
}

/**
 * Renames users and votes on questions, and reads every route that shows them, twice: as soon as
 * the write is answered, and once more when the reads that raced with it, on purpose, are over,
 * for one of them could have put its old answer back into a cache. Only reads begun after the
 * write's answer are judged, by what the database says then. Nobody else writes the targets.
 */
export async function countStale(options: StaleCheckOptions): Promise<StaleCount> {
  const { port, databaseUrl, catalogue, durationMs, signal } = options
  const endMs = performance.now() + durationMs
  let checked = 0
  let stale = 0
  await withClient(databaseUrl, async (client) => {
    for (const { change, target } of changes(catalogue.targets)) {
      const reads = routesThatShow(target)
      const readAll = () => Promise.all(reads.map((request) => ask(port, request, signal)))
      const racing = readAll()
      const written = await ask(port, change.write, signal)
      const answers = await readAll()
      await racing
      answers.push(...(await readAll()))

      const { rows } = await client.query<{ value: unknown }>(change.truthSql, [change.truthId])
      const truth = rows[0]?.value
      for (const { body } of written.statusCode === 200 ? answers : []) {
        const values = change.shown(body)
        if (values.length > 0) checked++
        if (values.some((value) => value !== truth)) stale++
      }
      if (performance.now() >= endMs) break
    }
  })
  return { checked, stale }
}

/**
 * Counts for every build, first while nothing else is asked of it, then under the mixed load. These
 * readings would slow the measured rounds down, so they have rounds of their own.
 */
export async function countStaleEverywhere(
  bench: Bench,
  durationMs: number,
): Promise<PerBuild<StaleCount>> {
  const counts = perBuild((): StaleCount[] => [])
  for (const build of buildNames) {
    const port = bench.ports[build]
    const options = { ...bench, port, durationMs: durationMs / 6 }
    counts[build].push(await countStale(options))
    const [underLoad] = await Promise.all([
      countStale(options),
      bench.load.closedLoop({
        port,
        connections: 16,
        warmUpMs: 0,
        durationMs: options.durationMs,
        requests: drawMix(bench.catalogue, 8_000, 77),
      }),
    ])
    counts[build].push(underLoad)
  }
  return perBuild((build) => ({
    checked: sum(counts[build].map(({ checked }) => checked)),
    stale: sum(counts[build].map(({ stale }) => stale)),
  }))
}

/** Renames and votes in turn, one target after the other, without end. */
function* changes(targets: readonly Target[]): Generator<{ change: Change; target: Target }> {
  for (let turn = 0; targets.length > 0; turn++) {
    const target = targets[turn % targets.length] as Target
    yield { change: rename(target, turn), target }
    yield { change: vote(target, turn), target }
  }
}

function routesThatShow({ questionId, ownerId, tag }: Target): LoadRequest[] {
  return [
    `/api/users/${ownerId}`,
    `/api/users/${ownerId}/posts`,
    `/api/questions/${questionId}`,
    '/api/questions',
    `/api/questions?tag=${encodeURIComponent(tag)}`,
  ].map((path) => ({ method: 'GET', path }))
}

function rename({ ownerId }: Target, turn: number): Change {
  return {
    write: {
      method: 'PATCH',
      path: `/api/users/${ownerId}`,
      body: JSON.stringify({ name: `Name ${turn} of ${ownerId}` }),
    },
    truthSql: 'select name as value from users where id = $1',
    truthId: ownerId,
    shown: (body) =>
      objectsWithId(body, ownerId)
        .filter((found) => 'name' in found)
        .map(({ name }) => name),
  }
}

function vote({ questionId }: Target, turn: number): Change {
  return {
    write: {
      method: 'POST',
      path: `/api/questions/${questionId}/votes`,
      body: JSON.stringify({ value: turn % 3 === 0 ? -1 : 1 }),
    },
    truthSql: 'select score as value from posts where id = $1',
    truthId: questionId,
    // Of the things with this id, only posts have a title; a comment may have the same id.
    shown: (body) =>
      objectsWithId(body, questionId)
        .filter((found) => 'title' in found)
        .map(({ score }) => score),
  }
}

/** Every object with this id in an answer, however deep. */
function objectsWithId(body: unknown, id: number): Record<string, unknown>[] {
  if (typeof body !== 'object' || body === null) return []
  const inner = Object.values(body).flatMap((value) => objectsWithId(value, id))
  return 'id' in body && body.id === id ? [body, ...inner] : inner
}
