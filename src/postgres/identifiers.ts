import { nonEmptyString, invalid } from '../core/index.ts'

/** A name as SQL writes it: quoted, so that it means itself whatever is in it. */
export function quoteName(option: string, name: string): string {
  nonEmptyString(option, name)
  if (name.includes('\0')) invalid(option, 'a name without zero characters', name)
  return `"${name.replaceAll('"', '""')}"`
}

/** A table's name, behind that of its schema where there is one. */
export function quoteTable(table: string, schema: string | undefined): string {
  const name = quoteName('table', table)
  return schema === undefined ? name : `${quoteName('schema', schema)}.${name}`
}
