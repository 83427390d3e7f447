import { readdir } from 'node:fs/promises'
import type pg from 'pg'
import { writeGeneratedDump } from '../data/generate.ts'
import { importDump } from '../data/importer.ts'
import { migrate } from '../data/migrate.ts'
import { Refusal } from './failure.ts'
import { makeFolder } from './folder.ts'
import type { Progress } from './progress.ts'
import { generatedSource } from './report.ts'
import type { Run } from './run.ts'
import { withClient } from './with-client.ts'

const insufficientPrivilege = '42501'

const generated = { users: 20_000, posts: 200_000, seed: 1 }

/**
 * Checks that a dump can be read, before a server is started for it.
 *
 * @throws Refusal when it cannot
 */
export async function checkDumpFolder(folder: string): Promise<void> {
  try {
    await readdir(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Refusal(
      `--dump cannot read the folder ${folder} (${code}): point it at an unpacked Stack Exchange dump.`,
    )
  }
}

/**
 * Makes the schema and fills it: from a dump, or from one that is generated and thrown away. The
 * same importer reads both.
 *
 * @returns where the data came from, for the report
 */
export async function loadSite(
  databaseUrl: string,
  dumpFolder: string | undefined,
  run: Run,
  progress: Progress,
): Promise<string> {
  await migrate(databaseUrl)
  if (dumpFolder !== undefined) {
    await load(databaseUrl, dumpFolder, run, progress)
    return dumpFolder
  }
  const folder = await makeFolder(run)
  const step = progress.begin('Generating a site')
  await writeGeneratedDump(folder.path, {
    ...generated,
    signal: run.signal,
    onProgress: (doneRatio) => step.update(doneRatio),
  })
  const [users, posts] = [generated.users, generated.posts].map((n) => n.toLocaleString('en-US'))
  step.done(`A site of ${users} users and ${posts} posts is made up, as a dump (no --dump given)`)
  await load(databaseUrl, folder.path, run, progress)
  await folder.remove()
  return generatedSource
}

async function load(
  databaseUrl: string,
  folder: string,
  { signal }: Run,
  progress: Progress,
): Promise<void> {
  const step = progress.begin('Loading the dump into PostgreSQL')
  const { counts, rejectedCount, rejected } = await importDump(databaseUrl, folder, {
    signal,
    onProgress: ({ doneRatio, step: what }) => step.update(doneRatio, what),
  })
  const loaded = Object.entries(counts).map(([table, n]) => `${n.toLocaleString('en-US')} ${table}`)
  step.done(`Loaded ${loaded.join(', ')}`)
  await writeToDisk(databaseUrl)
  const [first] = rejected
  if (first !== undefined) {
    progress.print(
      `          ${rejectedCount} rows could not be read, the first in ${first.file} line ${first.line}: ${first.reason}`,
    )
  }
}

/**
 * Has PostgreSQL write now what it would write some time later, in the middle of a measurement: on a
 * disk that is limited, the commits of half a second wait for it.
 */
async function writeToDisk(databaseUrl: string): Promise<void> {
  try {
    await withClient(databaseUrl, (client) => client.query('checkpoint'))
  } catch (error) {
    // Not everybody may, on a server that is not ours.
    if ((error as pg.DatabaseError).code !== insufficientPrivilege) throw error
  }
}
