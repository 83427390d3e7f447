-- Files that are being added, or were: how far each is, written together with its rows, so that
-- whoever goes on after a kill adds none twice and leaves none out.
create table added_files (
  task_id text primary key,
  next_byte bigint not null,
  next_line integer not null,
  added integer not null,
  rejected integer not null
);
