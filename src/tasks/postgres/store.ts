import { workerLost, type DeadLetterQuery, type ScheduleTick, type TaskRate } from '../engine.ts'
import { keepSeconds, type JobData, type JobOutput, type JobRow } from './job.ts'
import type { PostgresTaskPool, PostgresTransaction } from './options.ts'

/** An attempt as its process names it: pg-boss raises the count at each claim. */
export interface Attempt {
  readonly name: string
  readonly uuid: string
  readonly retryCount: number
}

/** What becomes of a job whose attempt has ended. */
export interface Settlement extends Attempt {
  readonly state: 'completed' | 'failed' | 'retry'
  readonly output: JobOutput | undefined
  /** For `retry`: when it may be claimed. */
  readonly delayMs?: number | undefined
  /** For `failed`: how long it is kept. */
  readonly keepSeconds?: number | undefined
  /** For `retry`: the attempt does not count. */
  readonly isHandedBack?: boolean | undefined
}

/**
 * The statements that pg-boss has no call for. Each that ends or renews an attempt is fenced: it names
 * the attempt by its `retry_count`, and does nothing to a job that has been claimed anew.
 */
export class PostgresStore {
  readonly #pool: PostgresTaskPool
  readonly #schema: string

  constructor(pool: PostgresTaskPool, schema: string) {
    this.#pool = pool
    this.#schema = schema
  }

  /** Creates what pg-boss' schema does not have: progress, the ticks of schedules, rates. */
  async migrate(): Promise<void> {
    const schema = this.#schema
    // Several statements are one transaction, so that processes which start together take turns.
    await this.#pool.query(`
      select pg_advisory_xact_lock(hashtext('${schema}.hotpath'));
      create unlogged table if not exists ${schema}.hotpath_progress (
        name text, id uuid, value text not null, primary key (name, id));
      create table if not exists ${schema}.hotpath_tick (
        schedule text primary key, at_ms bigint not null, task_id text not null);
      create table if not exists ${schema}.hotpath_rate (
        name text primary key, begun_ms double precision[] not null)`)
  }

  async find(name: string, uuid: string): Promise<JobRow | undefined> {
    const { rows } = await this.#pool.query(`${this.#select} where j.name = $1 and j.id = $2`, [
      name,
      uuid,
    ])
    return rows[0] as JobRow | undefined
  }

  async deadLetters({ name, limit }: DeadLetterQuery): Promise<JobRow[]> {
    const { rows } = await this.#pool.query(
      `${this.#select} where j.state = 'failed' and ($1::text is null or j.name = $1)
        order by j.completed_on desc limit $2`,
      [name ?? null, limit],
    )
    return rows as JobRow[]
  }

  /** The job that keeps a key's others out. */
  async holderOf(name: string, key: string, on: PostgresTransaction): Promise<string | undefined> {
    const { rows } = await on.query(
      `select id from ${this.#schema}.job
        where name = $1 and singleton_key = $2 and state <= 'active' and policy = 'exclusive'`,
      [name, key],
    )
    return (rows[0] as { id: string } | undefined)?.id
  }

  /** Ends attempts; resolves with the UUIDs of those that still held their job. */
  async settle(
    name: string,
    settlements: readonly Settlement[],
    on: PostgresTransaction = this.#pool,
  ): Promise<Set<string>> {
    const input = settlements.map((settlement) => ({
      id: settlement.uuid,
      attempt: settlement.retryCount,
      state: settlement.state,
      output: settlement.output ?? null,
      delay_ms: settlement.delayMs ?? 0,
      keep_seconds: settlement.keepSeconds ?? null,
      back: settlement.isHandedBack === true ? 1 : 0,
    }))
    const { rows } = await on.query(
      `update ${this.#schema}.job j set
        state = i.state::${this.#schema}.job_state,
        output = coalesce(i.output, j.output),
        completed_on = case when i.state = 'retry' then null else now() end,
        start_after = case when i.state = 'retry'
          then now() + i.delay_ms * interval '1 millisecond' else j.start_after end,
        deletion_seconds = coalesce(i.keep_seconds, j.deletion_seconds),
        retry_limit = j.retry_limit + i.back,
        data = case when i.back = 0 then j.data
          else jsonb_set(j.data, '{base}', to_jsonb((j.data->>'base')::int + 1)) end
      from json_to_recordset($2::text::json) as i(id uuid, attempt int, state text, output jsonb,
        delay_ms float8, keep_seconds int, back int)
      where j.name = $1 and j.id = i.id and j.state = 'active' and j.retry_count = i.attempt
      returning j.id`,
      [name, JSON.stringify(input)],
    )
    return idsOf(rows)
  }

  /** Gives signs of life; resolves with the UUIDs of the attempts that still hold their job. */
  async renew(attempts: readonly Attempt[]): Promise<Set<string>> {
    const input = attempts.map(({ name, uuid, retryCount }) => ({ name, id: uuid, retryCount }))
    const { rows } = await this.#pool.query(
      `update ${this.#schema}.job j set heartbeat_on = now()
      from json_to_recordset($1::text::json) as i(name text, id uuid, "retryCount" int)
      where j.name = i.name and j.id = i.id and j.state = 'active'
        and j.retry_count = i."retryCount"
      returning j.id`,
      [JSON.stringify(input)],
    )
    return idsOf(rows)
  }

  /**
   * Queues again what has given no sign of life for the length of a lease, or makes it a dead letter;
   * resolves with the names of the tasks. A server that has just started gives the workers time to
   * come back.
   */
  async takeOver(names: readonly string[], leaseMs: number): Promise<Set<string>> {
    const { rows } = await this.#pool.query(
      `update ${this.#schema}.job set
        state = (case when retry_count < retry_limit then 'retry' else 'failed' end)
          ::${this.#schema}.job_state,
        start_after = now(),
        completed_on = case when retry_count < retry_limit then null else now() end,
        output = case when retry_count < retry_limit then output else $3::jsonb end,
        deletion_seconds = case when retry_count < retry_limit then deletion_seconds
          else greatest(1, least(2000000000, ceil((data->>'deadLetterTtlMs')::float8 / 1000)))::int end
      where name = any($1) and state = 'active'
        and heartbeat_on < now() - $2::float8 * interval '1 millisecond'
        and pg_postmaster_start_time() < now() - $2::float8 * interval '1 millisecond'
      returning name`,
      [names, leaseMs, JSON.stringify({ error: JSON.stringify(workerLost) } satisfies JobOutput)],
    )
    return new Set((rows as { name: string }[]).map(({ name }) => name))
  }

  async progress({ name, uuid, retryCount }: Attempt, value: string): Promise<void> {
    await this.#pool.query(
      `insert into ${this.#schema}.hotpath_progress (name, id, value)
      select name, id, $4 from ${this.#schema}.job
        where name = $1 and id = $2 and state = 'active' and retry_count = $3
      on conflict (name, id) do update set value = excluded.value`,
      [name, uuid, retryCount, value],
    )
  }

  /** Removes the progress of tasks that pg-boss has deleted. */
  async sweepProgress(): Promise<void> {
    await this.#pool.query(
      `delete from ${this.#schema}.hotpath_progress p where not exists (
        select from ${this.#schema}.job j where j.name = p.name and j.id = p.id)`,
    )
  }

  /** Rejects with 23505 where another job of its key is in force. */
  async replay(
    name: string,
    uuid: string,
    { maxAttempts, resultTtlMs }: JobData,
  ): Promise<boolean> {
    const { rows } = await this.#pool.query(
      `with replayed as (
        update ${this.#schema}.job set
          state = 'created', completed_on = null, output = null, start_after = now(),
          data = jsonb_set(data, '{base}', to_jsonb(retry_count + 1)),
          retry_limit = retry_count + $3::int,
          deletion_seconds = $4
        where name = $1 and id = $2 and state = 'failed'
        returning name, id),
      swept as (
        delete from ${this.#schema}.hotpath_progress p using replayed r
        where p.name = r.name and p.id = r.id)
      select from replayed`,
      [name, uuid, maxAttempts, keepSeconds(resultTtlMs)],
    )
    return rows.length > 0
  }

  /** Takes a tick; undefined when it is ours, else the id of the task that was stored for it. */
  async takeTick(
    tick: ScheduleTick,
    id: string,
    on: PostgresTransaction,
  ): Promise<string | undefined> {
    const { rows } = await on.query(
      `insert into ${this.#schema}.hotpath_tick as t (schedule, at_ms, task_id) values ($1, $2, $3)
      on conflict (schedule) do update set at_ms = excluded.at_ms, task_id = excluded.task_id
        where t.at_ms < excluded.at_ms
      returning task_id`,
      [tick.schedule, tick.atMs, id],
    )
    if (rows.length > 0) return undefined
    const taken = await on.query(
      `select task_id from ${this.#schema}.hotpath_tick where schedule = $1`,
      [tick.schedule],
    )
    return (taken.rows[0] as { task_id: string }).task_id
  }

  /**
   * How many may begin now, and in how many milliseconds the next may. Keeps out the other processes
   * until the transaction ends.
   */
  async allowance(
    name: string,
    { limit, perMs }: TaskRate,
    on: PostgresTransaction,
  ): Promise<{ count: number; nextInMs: number }> {
    const { rows } = await on.query(
      `insert into ${this.#schema}.hotpath_rate as r (name, begun_ms) values ($1, '{}')
      on conflict (name) do update set begun_ms = array(
        select b from unnest(r.begun_ms) b
        where b > extract(epoch from clock_timestamp()) * 1000 - $2::float8 order by b)
      returning cardinality(begun_ms) as count,
        begun_ms[1] + $2::float8 - extract(epoch from clock_timestamp()) * 1000 as next_in_ms`,
      [name, perMs],
    )
    const { count, next_in_ms: nextInMs } = rows[0] as { count: number; next_in_ms: number | null }
    return { count: Math.max(0, limit - count), nextInMs: nextInMs ?? 0 }
  }

  async noteBegun(name: string, count: number, on: PostgresTransaction): Promise<void> {
    await on.query(
      `update ${this.#schema}.hotpath_rate set begun_ms = begun_ms
        || array_fill((extract(epoch from clock_timestamp()) * 1000)::float8, array[$2::int])
      where name = $1`,
      [name, count],
    )
  }

  get #select(): string {
    return `select j.name, j.id, j.state::text as state, j.retry_count, j.data, j.output,
        (extract(epoch from j.started_on) * 1000)::float8 as started_ms,
        (extract(epoch from j.completed_on) * 1000)::float8 as ended_ms,
        p.value as progress
      from ${this.#schema}.job j
        left join ${this.#schema}.hotpath_progress p on p.name = j.name and p.id = j.id`
  }
}

function idsOf(rows: unknown[]): Set<string> {
  return new Set((rows as { id: string }[]).map(({ id }) => id))
}
