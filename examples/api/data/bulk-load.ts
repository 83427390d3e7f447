import type { Transaction } from 'hotpath/postgres'

interface Definition {
  readonly table: string
  readonly name: string
  readonly definition: string
}

/**
 * Runs `work` while the tables have neither keys nor indexes, and puts these back afterwards as
 * they were: building an index and checking a key once over all rows takes a fraction of doing so
 * row by row. Call it within a transaction, so that a failure puts them back as well.
 */
export async function withoutIndexes(
  tx: Transaction,
  tables: readonly string[],
  work: () => Promise<void>,
): Promise<void> {
  const keys = await definitions(tx, keysOf, tables)
  const indexes = await definitions(tx, indexesOf, tables)
  for (const { table, name } of keys) {
    await tx.query(`alter table ${table} drop constraint ${name}`)
  }
  for (const { name } of indexes) await tx.query(`drop index ${name}`)

  await work()

  for (const { definition } of indexes) await tx.query(definition)
  for (const { table, name, definition } of keys.toReversed()) {
    await tx.query(`alter table ${table} add constraint ${name} ${definition}`)
  }
}

// Foreign keys ('f') before the primary keys ('p') that they stand on.
const keysOf = `
  select conrelid::regclass::text as table,
         quote_ident(conname) as name,
         pg_get_constraintdef(oid) as definition
  from pg_constraint
  where contype in ('f', 'p') and conrelid = any($1::regclass[])
  order by contype, conname`

const indexesOf = `
  select indrelid::regclass::text as table,
         indexrelid::regclass::text as name,
         pg_get_indexdef(indexrelid) as definition
  from pg_index
  where indrelid = any($1::regclass[])
    and not exists (select from pg_constraint where conindid = indexrelid)`

async function definitions(
  tx: Transaction,
  text: string,
  tables: readonly string[],
): Promise<Definition[]> {
  const { rows } = await tx.query<Definition>(text, [tables])
  return rows
}
