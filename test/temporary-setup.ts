import { makePrivateFolder } from '@hotpath/services'
import { refuse } from './refuse.ts'

/**
 * Gives the run a temporary folder of its own: what an interrupted test leaves there goes with it.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const folder = await makePrivateFolder().catch(refuse)
  process.env['TMPDIR'] = folder.path
  return () => folder.close()
}
