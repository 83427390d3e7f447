import { readdir } from 'node:fs/promises'
import type { ProofRow } from './row.ts'

const folder = new URL('./rows/', import.meta.url)

/** The rows of the proof, in the order of the table: one from each file in `rows/`. */
export async function loadRows(): Promise<ProofRow[]> {
  const files = (await readdir(folder)).filter((file) => /(?<!\.test)\.ts$/.test(file))
  const rows = await Promise.all(
    files.map(async (file) => {
      const { row } = (await import(new URL(file, folder).href)) as { row: ProofRow }
      return row
    }),
  )
  return rows.toSorted((a, b) => a.order - b.order)
}
