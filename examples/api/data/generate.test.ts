import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { XmlRow } from 'hotpath/stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dumpRows } from './dump-rows.ts'
import { dumpTables } from './dump-tables.ts'
import { writeGeneratedDump, type GenerateOptions } from './generate.ts'
import { IdSet } from './id-set.ts'

const size = { users: 400, posts: 4_000 }
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hotpath-generate-'))
  await writeGeneratedDump(join(folder, 'site'), { ...size, seed: 7 })
})
afterAll(() => rm(folder, { recursive: true }))

async function digest(name: string, options: GenerateOptions): Promise<string> {
  const path = join(folder, name)
  await writeGeneratedDump(path, options)
  const hash = createHash('sha256')
  for (const { file } of dumpTables) hash.update(await readFile(join(path, file)))
  return hash.digest('hex')
}

function collect<T>(file: string, read: (row: XmlRow) => T): Promise<Awaited<T>[]> {
  return dumpRows(join(folder, 'site', file))
    .map(read)
    .toArray()
}

test('the same seed writes the same bytes, another seed others', async () => {
  const small = { users: 30, posts: 300 }
  const first = await digest('a', { ...small, seed: 3 })
  expect(await digest('b', { ...small, seed: 3 })).toBe(first)
  expect(await digest('c', { ...small, seed: 4 })).not.toBe(first)
})

test('every row is one that the importer takes, and the counts are as told', async () => {
  const counts = await writeGeneratedDump(join(folder, 'counted'), { ...size, seed: 7 })
  expect(counts).toMatchObject(size)
  for (const { file, table, read } of dumpTables) {
    const rows = await collect(file, (row) => read(row, new IdSet()))
    expect(rows).toHaveLength(counts[table])
  }
})

test('posts hang together: answers follow their question, counts and scores are true', async () => {
  const posts = await collect('Posts.xml', (row) => ({
    id: Number(row['Id']),
    parent: row['ParentId'],
    answers: row['AnswerCount'],
    score: Number(row['Score']),
    time: row['CreationDate'] ?? '',
  }))
  expect(posts.map(({ time }) => time)).toEqual(posts.map(({ time }) => time).toSorted())

  const answers = new Map<number, number>()
  for (const { id, parent } of posts) {
    if (parent === undefined) continue
    expect(Number(parent)).toBeLessThan(id)
    answers.set(Number(parent), (answers.get(Number(parent)) ?? 0) + 1)
  }
  const scores = new Map<number, number>()
  for (const [id, by] of await collect('Votes.xml', (row): [number, number] => [
    Number(row['PostId']),
    row['VoteTypeId'] === '2' ? 1 : -1,
  ])) {
    scores.set(id, (scores.get(id) ?? 0) + by)
  }
  for (const post of posts) {
    expect(post.score).toBe(scores.get(post.id) ?? 0)
    if (post.parent === undefined) expect(Number(post.answers)).toBe(answers.get(post.id) ?? 0)
  }
})

test('a few authors, tags and questions have most of everything, as on a real site', async () => {
  const authors = shares(await collect('Posts.xml', (row) => row['OwnerUserId']))
  expect(top(authors, 0.1)).toBeGreaterThan(0.4)

  const lists = await collect('Posts.xml', (row) => row['Tags']?.slice(1, -1).split('><') ?? [])
  expect(top(shares(lists.flat()), 0.1)).toBeGreaterThan(0.4)

  const views = (await collect('Posts.xml', (row) => Number(row['ViewCount'] ?? 0))).filter(Boolean)
  expect(top(views, 0.1)).toBeGreaterThan(0.35)
})

test('ends when it is aborted', async () => {
  const signal = AbortSignal.abort(new Error('enough'))
  await expect(writeGeneratedDump(join(folder, 'ended'), { ...size, signal })).rejects.toThrow(
    'enough',
  )
})

function shares(values: (string | undefined)[]): number[] {
  const counts = new Map<string, number>()
  for (const value of values) {
    if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  return [...counts.values()]
}

/** What share of the sum the largest `ratio` of the values have. */
function top(values: number[], ratio: number): number {
  const sorted = values.toSorted((a, b) => b - a)
  const sum = (list: number[]) => list.reduce((total, value) => total + value, 0)
  return sum(sorted.slice(0, Math.ceil(sorted.length * ratio))) / sum(sorted)
}
