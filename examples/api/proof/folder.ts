import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Run } from './run.ts'

/** A folder of our own that can be removed early, and otherwise goes with the run. */
export interface PrivateFolder {
  readonly path: string
  remove(): Promise<void>
}

/** Makes a private folder. It goes even when the run ends without waiting. */
export async function makeFolder(run: Run): Promise<PrivateFolder> {
  const path = await mkdtemp(join(tmpdir(), 'hotpath-example-'))
  const removeNow = () => rmSync(path, { recursive: true, force: true })
  const remove = async () => {
    await rm(path, { recursive: true, force: true })
    process.off('exit', removeNow)
  }
  process.on('exit', removeNow)
  run.defer(remove)
  return { path, remove }
}
