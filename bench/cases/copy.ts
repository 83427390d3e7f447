import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Bench, Contender } from '../kit/bench.ts'

const rowCount = 50_000
const columns = ['id', 'name', 'reputation', 'location', 'website', 'about', 'created_at']

const about =
  'I write about databases,\nand sometimes about what they are for. Ask me anything but the time of day.'
// The same rows each time, with nulls, line breaks and dates as the example's users have them.
const users = Array.from({ length: rowCount }, (_, at) => [
  at + 1,
  `User ${at + 1}`,
  (at * 7) % 1_000,
  at % 3 === 0 ? null : 'Zürich, Switzerland',
  at % 4 === 0 ? 'https://example.com/~user' : null,
  at % 2 === 0 ? about : null,
  new Date(Date.UTC(2020, 0, 1) + at * 60_000),
])

const psql: Contender = async ({ url }) => {
  const folder = await mkdtemp(join(tmpdir(), 'hotpath-copy-'))
  const file = join(folder, 'users.tsv')
  await writeFile(file, users.map(line).join(''))
  const copy = `\\copy users (${columns.join(', ')}) from '${file}'`
  const run = promisify(execFile)
  return {
    call: async () => {
      const commands = ['-c', 'truncate users cascade', '-c', copy]
      const { stdout } = await run('psql', ['-X', '-d', url('postgres'), ...commands])
      return Number(/COPY (\d+)/.exec(stdout)?.[1])
    },
    close: () => rm(folder, { recursive: true }),
  }
}

// By hand and apart from what is measured, so that a wrong line of hotpath would show as a difference.
function line(row: readonly unknown[]): string {
  const fields = row.map((value) => {
    if (value === null) return '\\N'
    return value instanceof Date ? value.toISOString() : String(value).replaceAll('\n', '\\n')
  })
  return `${fields.join('\t')}\n`
}

const hotpath: Contender = async ({ url }) => {
  const { drain } = await import('hotpath')
  const { createPool } = await import('hotpath/postgres')
  const pool = createPool(url('postgres'), { maxConnections: 1 })
  return {
    call: async () => {
      await pool.query('truncate users cascade')
      return drain(users, pool.copyInto('users', columns))
    },
    close: () => pool.end(),
  }
}

const bench: Bench = {
  title: `loading ${rowCount.toLocaleString('en-US')} users into the example's schema`,
  settings: [
    execFileSync('psql', ['--version'], { encoding: 'utf8' }).trim(),
    'one load after the other, each into the empty table with its key; "per second" counts loads',
    'psql reads lines that are ready in a file, and its start is part of the time; hotpath encodes arrays with dates, nulls and line breaks',
  ],
  peers: ['pg', 'pg-copy-streams'],
  services: ['postgres'],
  rounds: 3,
  processes: 'per-run',
  prepare: async ({ url }) => {
    const { migrate } = await import('../../examples/api/data/migrate.ts')
    await migrate(url('postgres'))
  },
  workloads: {
    load: {
      kind: 'callers',
      about: `${rowCount.toLocaleString('en-US')} rows`,
      callers: 1,
      inputs: [rowCount],
      check: (loaded, wanted) => loaded === wanted,
      warmupMs: 100,
      sliceMs: 1_000,
    },
  },
  contenders: {
    'psql \\copy': psql,
    'hotpath copyInto': hotpath,
  },
  baseline: 'psql \\copy',
  claims: [
    {
      claim: 'copyInto loads at least 70 % of the rows per second of psql \\copy',
      value: (figures) => figures.ratio('load', 'hotpath copyInto', 'psql \\copy', 'perSecond'),
      atLeast: 0.7,
    },
  ],
}

export default bench
