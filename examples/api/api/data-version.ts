/**
 * Names the dump that the database holds. Keys in a Redis that outlives it begin with this: pages
 * of one dump are never given out for another.
 */
export async function readDataVersion(database: {
  query: (text: string) => Promise<{ rows: { id: string }[] }>
}): Promise<string> {
  const { rows } = await database.query('select id from imports')
  return rows[0]?.id ?? 'empty'
}
