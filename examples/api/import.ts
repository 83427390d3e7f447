// Loads a Stack Exchange dump: `npm run example:import -- FOLDER`, with DATABASE_URL set.
import { importDump, type ImportResult } from './data/importer.ts'
import { migrate } from './data/migrate.ts'
import { Refusal, sentenceFor } from './proof/failure.ts'
import { createProgress } from './proof/progress.ts'

// Enough to see what is wrong with a file.
const rejectedShown = 20

try {
  await run(process.argv.slice(2), process.env.DATABASE_URL)
} catch (error) {
  process.exitCode = 1
  console.error(sentenceFor(error) ?? error)
}

async function run(folders: string[], databaseUrl: string | undefined): Promise<void> {
  const [folder] = folders
  if (folder === undefined || folders.length > 1) {
    throw new Refusal('Say which dump to load: npm run example:import -- FOLDER')
  }
  if (databaseUrl === undefined || databaseUrl === '') {
    throw new Refusal(
      'Set DATABASE_URL to the database to load into: postgres://user:password@host:5432/name',
    )
  }
  await migrate(databaseUrl).catch((error: unknown) => {
    throw unusable(error)
  })
  const step = createProgress().begin(`loading ${folder}`)
  const result = await importDump(databaseUrl, folder, {
    onProgress: ({ doneRatio, step: what }) => step.update(doneRatio, what),
  })
  step.done(`loaded ${describeCounts(result)}`)
  reportRejected(result)
}

function unusable(error: unknown): Refusal {
  const { code, message } = error as NodeJS.ErrnoException
  // What the network says of several addresses has a code and no message.
  return new Refusal(`DATABASE_URL cannot be used: ${message || code}.`, { cause: error })
}

function describeCounts({ counts }: ImportResult): string {
  return Object.entries(counts)
    .map(([table, count]) => `${count.toLocaleString('en')} ${table}`)
    .join(', ')
}

function reportRejected({ rejected, rejectedCount }: ImportResult): void {
  if (rejectedCount === 0) return
  console.error(`${rejectedCount.toLocaleString('en')} rows could not be read:`)
  for (const { file, line, reason } of rejected.slice(0, rejectedShown)) {
    console.error(`  ${file}, line ${line}: ${reason}`)
  }
  if (rejectedCount > rejectedShown) console.error('  ...')
}
