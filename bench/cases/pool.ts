import { Random } from '../../examples/api/data/random.ts'
import type { Bench, CallersWorkload, Contender } from '../kit/bench.ts'

const userCount = 10_000
const maxConnections = 10
const columns = 'id, name, email, reputation, created_at'

const byId = { name: 'user-by-id', text: `select ${columns} from users where id = $1` }
// Sleeps for every hundredth id: the statement is the same for slow and fast, so that no pool can
// know beforehand.
const maybeSlow = { name: 'find-user', text: `select ${columns} from find_user($1)` }

const schema = `
  create table users (
    id int primary key,
    name text not null,
    email text not null,
    reputation int not null,
    created_at timestamptz not null
  );
  insert into users
    select id, 'User ' || id, 'user' || id || '@example.com', id * 7 % 1000, '2026-01-01'::timestamptz
    from generate_series(1, ${userCount}) as id;
  create function find_user(wanted int) returns setof users stable language plpgsql as $$
  begin
    if wanted % 100 = 0 then
      perform pg_sleep(0.05);
    end if;
    return query select * from users where id = wanted;
  end $$;
  vacuum analyze users`

// By chance, and the same in every process. In an order in which each hundredth call were slow, two
// that are sent together would be told apart by their place: all the slow ones first, or none.
const random = new Random(1)
const ids = Array.from({ length: 10 * userCount }, () => random.below(userCount) + 1)

function lookups(about: string, callers: number, sliceMs: number): CallersWorkload {
  return {
    kind: 'callers',
    about,
    callers,
    inputs: ids,
    check: (user, id) => (user as { id: number } | undefined)?.id === id,
    // A text that stalls now and then is found out within some 2,000 runs.
    warmupMs: 400,
    sliceMs,
  }
}

const ours = 'hotpath/postgres'
const slow = '64-callers-1-percent-slow'

function pgPool(isNamed: boolean): Contender {
  return async ({ url, workload }) => {
    const { Pool } = await import('pg')
    const pool = new Pool({ connectionString: url('postgres'), max: maxConnections })
    const { name, text } = workload === slow ? maybeSlow : byId
    return {
      call: isNamed
        ? async (id) => (await pool.query({ name, text, values: [id] })).rows[0]
        : async (id) => (await pool.query(text, [id])).rows[0],
      close: () => pool.end(),
    }
  }
}

const postgresJs: Contender = async ({ url, workload }) => {
  const { default: postgres } = await import('postgres')
  const sql = postgres(url('postgres'), { max: maxConnections })
  return {
    call:
      workload === slow
        ? async (id) =>
            (await sql`select id, name, email, reputation, created_at from find_user(${id})`)[0]
        : async (id) =>
            (
              await sql`select id, name, email, reputation, created_at from users where id = ${id}`
            )[0],
    close: () => sql.end(),
  }
}

const hotpath: Contender = async ({ url, workload }) => {
  const { createPool } = await import('hotpath/postgres')
  const pool = createPool(url('postgres'), { maxConnections })
  const { text } = workload === slow ? maybeSlow : byId
  return {
    call: async (id) => (await pool.query(text, [id])).rows[0],
    close: () => pool.end(),
  }
}

const onePipelinedClient: Contender = async ({ url, workload }) => {
  const { Client } = await import('pg')
  const client = new Client({ connectionString: url('postgres'), pipeline: true })
  await client.connect()
  const { name, text } = workload === slow ? maybeSlow : byId
  return {
    call: async (id) => (await client.query({ name, text, values: [id] })).rows[0],
    close: () => client.end(),
  }
}

const bench: Bench = {
  title: 'looking users up by id in PostgreSQL',
  settings: [
    `${maxConnections} connections at most (the single client: one), all in one process on one core`,
    `the same statement on a table of ${userCount.toLocaleString('en-US')} users, every answer of the warm-up checked`,
    'a new pool in each round, in a process that is warm: postgres.js slows down with the age of its pool',
    '"usual" is pg.Pool without statement names, as most code uses it; all others prepare',
  ],
  peers: ['pg', 'postgres'],
  services: ['postgres'],
  rounds: 5,
  processes: 'per-run',
  prepare: async ({ url }) => {
    const { Client } = await import('pg')
    const client = new Client({ connectionString: url('postgres') })
    await client.connect()
    // One by one: VACUUM does not run inside the transaction that several statements would be.
    for (const statement of schema.split(/;\n(?=  (?:create|insert|vacuum))/)) {
      await client.query(statement)
    }
    await client.end()
  },
  workloads: {
    '64-callers': lookups('64 callers', 64, 400),
    [slow]: {
      ...lookups('64 callers, 1 % of the queries take 50 ms; p50 and p99 of the others', 64, 450),
      isSlow: (id) => id % 100 === 0,
    },
    '1-caller': lookups('1 caller', 1, 200),
  },
  contenders: {
    'pg.Pool, named': pgPool(true),
    'pg.Pool, usual': pgPool(false),
    'postgres.js': postgresJs,
    [ours]: hotpath,
    'one pg.Client, pipelined': onePipelinedClient,
  },
  baseline: 'pg.Pool, named',
  claims: [
    {
      claim: 'at 64 callers at least 2.0 times the queries of pg.Pool with named statements',
      value: (figures) => figures.ratio('64-callers', ours, 'pg.Pool, named', 'perSecond'),
      atLeast: 2,
    },
    {
      claim: 'and at least 2.5 times those of postgres.js',
      value: (figures) => figures.ratio('64-callers', ours, 'postgres.js', 'perSecond'),
      atLeast: 2.5,
    },
    {
      claim: 'with at most half of the CPU time that pg.Pool takes for each',
      value: (figures) => figures.ratio('64-callers', ours, 'pg.Pool, named', 'cpuMicrosPerCall'),
      atMost: 0.5,
    },
    {
      claim: 'at 1 caller no fewer than pg.Pool',
      value: (figures) => figures.ratio('1-caller', ours, 'pg.Pool, named', 'perSecond'),
      atLeast: 1,
    },
    {
      claim: 'with 1 % of slow queries among them at least 1.1 times those of pg.Pool',
      value: (figures) => figures.ratio(slow, ours, 'pg.Pool, named', 'perSecond'),
      atLeast: 1.1,
    },
    {
      claim: 'and p99 of the fast ones is at most 1.2 times that of pg.Pool',
      value: (figures) => figures.ratio(slow, ours, 'pg.Pool, named', 'p99Ms'),
      atMost: 1.2,
    },
  ],
}

export default bench
