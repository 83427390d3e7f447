import type { DatabaseSync } from 'node:sqlite'

/**
 * The states of a row. `waiting` is a queued task that is not due yet: apart from those that are, so
 * that a claim never walks past it.
 */
export const rowState = {
  ready: 0,
  processing: 1,
  completed: 2,
  failed: 3,
  cancelled: 4,
  waiting: 5,
} as const

// In the names, so that the tables can live in a file that belongs to an app.
const tables = `
create table if not exists hotpath_tasks (
  seq integer primary key,
  id text not null unique,
  name text not null,
  state integer not null,
  priority integer not null,
  due_ms integer not null,
  unique_key text,
  attempts integer not null default 0,
  max_attempts integer not null,
  claim integer not null default 0,
  worker integer,
  enqueued_ms integer not null,
  started_ms integer,
  ended_ms integer,
  expires_ms integer,
  result_ttl_ms integer not null,
  dead_letter_ttl_ms integer not null,
  progress text,
  error text,
  result text,
  input text not null
) strict;

create index if not exists hotpath_tasks_ready
  on hotpath_tasks (name, priority desc, due_ms) where state = 0;
create index if not exists hotpath_tasks_waiting on hotpath_tasks (due_ms) where state = 5;
create index if not exists hotpath_tasks_held on hotpath_tasks (worker) where state = 1;
create index if not exists hotpath_tasks_dead on hotpath_tasks (ended_ms) where state = 3;
create index if not exists hotpath_tasks_expiry
  on hotpath_tasks (expires_ms) where expires_ms is not null;
create unique index if not exists hotpath_tasks_unique
  on hotpath_tasks (name, unique_key) where unique_key is not null and state in (0, 1, 5);

create table if not exists hotpath_task_leases (
  worker integer primary key,
  beats integer not null,
  lease_ms integer not null
) strict;

create table if not exists hotpath_task_ticks (
  schedule text primary key,
  at_ms integer not null,
  task text not null
) strict;

create table if not exists hotpath_task_starts (
  name text not null,
  at_ms integer not null
) strict;
create index if not exists hotpath_task_starts_by_name on hotpath_task_starts (name, at_ms);

create table if not exists hotpath_task_schema (version integer not null) strict;
insert into hotpath_task_schema (version)
  select 1 where not exists (select 1 from hotpath_task_schema);
`

const currentVersion = 1

/** Creates the tables that are missing. The caller holds the file's write lock. */
export function createTables(database: DatabaseSync): void {
  database.exec(tables)
  const row = database.prepare('select version from hotpath_task_schema').get()
  if (row?.['version'] !== currentVersion) {
    throw new Error(
      `the file's tables of tasks are of version ${row?.['version']}, this hotpath knows ${currentVersion}: run the newer one`,
    )
  }
}
