import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, type QueryResultRow } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useDatabase } from '../../../test/services.ts'
import { DumpError } from './dump-error.ts'
import { writeGeneratedDump } from './generate.ts'
import { importDump } from './importer.ts'
import { migrate } from './migrate.ts'

const { url } = await useDatabase()
const client = new Client({ connectionString: url })
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hotpath-importer-'))
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await rm(folder, { recursive: true })
})

async function select<Row extends QueryResultRow>(text: string): Promise<Row[]> {
  return (await client.query<Row>(text)).rows
}

async function writeDump(name: string, files: Record<string, string[]>): Promise<string> {
  const path = join(folder, name)
  await writeGeneratedDump(path, { users: 1, posts: 1 })
  for (const [file, rows] of Object.entries(files)) {
    const root = file.toLowerCase()
    const lines = ['<?xml version="1.0"?>', `<${root}>`, ...rows, `</${root}>`]
    await writeFile(join(path, `${file}.xml`), lines.join('\n'))
  }
  return path
}

const at = 'CreationDate="2020-02-29T12:00:00.5"'
const user = (id: number, name = `u${id}`) =>
  `<row Id="${id}" Reputation="1" ${at} DisplayName="${name}" />`
const post = (id: number, attributes: string) =>
  `<row Id="${id}" ${at} Score="1" Body="b" ${attributes} />`
const question = (id: number, attributes = '') =>
  post(id, `PostTypeId="1" Title="t" Tags="&lt;a&gt;&lt;b&gt;&lt;a&gt;" ${attributes}`)
const answer = (id: number, parent: number, attributes = '') =>
  post(id, `PostTypeId="2" ParentId="${parent}" ${attributes}`)

describe('migrate', () => {
  test('two processes at once: one runs the migrations, the other waits and finds them done', async () => {
    const ran = await Promise.all([migrate(url), migrate(url)])
    expect(ran.flat()).toEqual(['0001-questions-and-answers.sql', '0002-added-files.sql'])
    expect(await migrate(url)).toEqual([])
  })
})

describe('importDump', () => {
  test('counts what it loads and names every row that it cannot read', async () => {
    const path = await writeDump('broken', {
      Users: [
        user(-1),
        user(1, 'Zo&#235; &amp; a \\ tab&#x9;'),
        user(1),
        '<row Id="2" Reputation="1" DisplayName="no date" />',
        '<row Id="3" Reputation="many" CreationDate="2020-01-01T00:00:00" DisplayName="x" />',
        user(4_000_000_000),
        '<row Id="4"',
        `<row Id="5" Reputation="1" CreationDate="2019-02-29T00:00:00" DisplayName="x" />`,
        user(6),
      ],
      Posts: [question(1, 'OwnerUserId="1"'), post(2, ''), answer(3, 1), 'nonsense'],
      Comments: [`<row Id="1" PostId="1" Text="line&#xA;line" ${at} UserId="6" />`, '<row />'],
      Votes: [`<row Id="9" PostId="1" VoteTypeId="2" ${at} />`, `<row Id="9" PostId="1" ${at} />`],
    })
    const result = await importDump(url, path)
    expect(result.counts).toEqual({ users: 3, posts: 2, comments: 1, votes: 1 })
    expect(result.rejectedCount).toBe(10)
    expect(result.rejected.map(({ file, line }) => `${file}:${line}`)).toEqual([
      'Users.xml:5',
      'Users.xml:6',
      'Users.xml:7',
      'Users.xml:8',
      'Users.xml:9',
      'Users.xml:10',
      'Posts.xml:4',
      'Posts.xml:6',
      'Comments.xml:4',
      'Votes.xml:4',
    ])
    for (const { reason } of result.rejected) expect(reason).not.toBe('')

    expect(await select('select name, created_at from users where id = 1')).toEqual([
      { name: 'Zoë & a \\ tab\t', created_at: new Date('2020-02-29T12:00:00.500Z') },
    ])
    expect(await select('select text, author_id from comments')).toEqual([
      { text: 'line\nline', author_id: 6 },
    ])
  })

  test('gives posts of nobody no owner, and keeps what belongs to deleted posts', async () => {
    const path = await writeDump('orphans', {
      Users: [user(-1), user(1)],
      Posts: [
        question(1, 'OwnerUserId="-1"'),
        question(2, 'OwnerUserId="77"'),
        question(3),
        answer(4, 99, 'OwnerUserId="1"'),
        answer(5, 3, 'OwnerUserId="1"'),
        answer(6, 5, 'OwnerUserId="1"'),
        post(7, 'PostTypeId="4"'),
      ],
      Comments: [`<row Id="1" PostId="99" Text="c" ${at} UserId="77" />`],
      Votes: [`<row Id="1" PostId="99" VoteTypeId="3" ${at} />`],
    })
    const result = await importDump(url, path)
    expect(result).toMatchObject({
      counts: { users: 2, posts: 7, comments: 1, votes: 1 },
      rejectedCount: 0,
    })
    expect(
      await select(
        'select id, kind, status, parent_id as parent, owner_id as owner from posts order by id',
      ),
    ).toEqual([
      { id: 1, kind: 'question', status: 'published', parent: null, owner: null },
      { id: 2, kind: 'question', status: 'published', parent: null, owner: null },
      { id: 3, kind: 'question', status: 'published', parent: null, owner: null },
      { id: 4, kind: 'answer', status: 'hidden', parent: null, owner: 1 },
      { id: 5, kind: 'answer', status: 'published', parent: 3, owner: 1 },
      { id: 6, kind: 'answer', status: 'hidden', parent: null, owner: 1 },
      { id: 7, kind: 'other', status: 'hidden', parent: null, owner: null },
    ])
    expect(await select('select post_id, author_id from comments')).toEqual([
      { post_id: 99, author_id: null },
    ])
    expect(await select('select post_id, type from votes')).toEqual([{ post_id: 99, type: 3 }])
  })

  test('counts answers and posts itself, whatever the dump says', async () => {
    const path = await writeDump('counted', {
      Users: [user(1)],
      Posts: [
        question(1, 'AnswerCount="9" OwnerUserId="1"'),
        question(2, 'AnswerCount="1"'),
        answer(3, 2, 'OwnerUserId="1"'),
        answer(4, 2, 'OwnerUserId="1"'),
      ],
    })
    await importDump(url, path)
    expect(await select('select id, answer_count as n from posts order by id')).toEqual([
      { id: 1, n: 0 },
      { id: 2, n: 2 },
      { id: 3, n: 0 },
      { id: 4, n: 0 },
    ])
    expect(await select('select question_count as q, answer_count as a from users')).toEqual([
      { q: 1, a: 2 },
    ])
    expect(await select('select tag, question_id as id from question_tags order by 1, 2')).toEqual([
      { tag: 'a', id: 1 },
      { tag: 'a', id: 2 },
      { tag: 'b', id: 1 },
      { tag: 'b', id: 2 },
    ])
  })

  test('an import again replaces the first one, and leaves every index and key in place', async () => {
    const schema = () =>
      select<{ definition: string }>(
        `select indexdef as definition from pg_indexes where schemaname = 'public'
         union all select pg_get_constraintdef(oid) from pg_constraint order by 1`,
      )
    const before = await schema()
    const path = join(folder, 'again')
    const counts = await writeGeneratedDump(path, { users: 50, posts: 500, seed: 5 })
    const steps = new Set<string>()
    let doneRatio = 0
    for (let i = 0; i < 2; i++) {
      const result = await importDump(url, path, {
        onProgress(progress) {
          steps.add(progress.step)
          doneRatio = progress.doneRatio
        },
      })
      expect(result).toEqual({ counts, rejectedCount: 0, rejected: [] })
    }
    expect(await schema()).toEqual(before)
    expect(before.length).toBeGreaterThan(8)
    expect(doneRatio).toBe(1)
    expect(steps.size).toBe(5)

    const [vote] = await select<{ id: number }>(
      'insert into votes (post_id, type, created_at) values (1, 2, now()) returning id',
    )
    expect(vote?.id).toBe(counts.votes + 1)
  })

  test('an import that fails or is ended leaves the database as it was', async () => {
    await importDump(url, await writeDump('kept', { Users: [user(42)] }))
    const users = () => select('select id from users')

    const path = join(folder, 'large')
    await writeGeneratedDump(path, { users: 20, posts: 3_000 })
    const controller = new AbortController()
    const ended = importDump(url, path, {
      signal: controller.signal,
      onProgress: ({ step }) => {
        if (step === 'loading comments') controller.abort(new Error('enough'))
      },
    })
    await expect(ended).rejects.toThrow('enough')
    expect(await users()).toEqual([{ id: 42 }])

    await cp(join(path, 'Votes.xml'), join(path, 'Votes.xml.gz'))
    await rm(join(path, 'Votes.xml'))
    await expect(importDump(url, path)).rejects.toThrow(/^Votes\.xml\.gz is cut off or damaged/)
    expect(await users()).toEqual([{ id: 42 }])
  })

  test('says which files are missing', async () => {
    const path = await writeDump('missing', {})
    await rm(join(path, 'Posts.xml'))
    await rm(join(path, 'Votes.xml'))
    const importing = importDump(url, path)
    await expect(importing).rejects.toThrow(DumpError)
    await expect(importing).rejects.toThrow(`${path} is no dump: it lacks Posts.xml, Votes.xml`)
    await expect(importDump(url, join(folder, 'nowhere'))).rejects.toThrow('There is no folder')
  })
})
