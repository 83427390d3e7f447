import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { withClient } from './with-client.ts'

/** The machine in one line. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor'
  const memoryGb = Math.round(totalmem() / 2 ** 30)
  const cores = availableParallelism()
  return `${cores} ${cores === 1 ? 'core' : 'cores'} of ${model}, ${memoryGb} GB, ${process.platform} ${process.arch}`
}

/** What ran in which version: Node, PostgreSQL, and the packages that the builds stand on. */
export async function readVersions(databaseUrl: string): Promise<Record<string, string>> {
  return {
    node: process.versions.node,
    postgresql: await postgresVersion(databaseUrl),
    ...Object.fromEntries(packages.map((name) => [name, packageVersion(name)])),
  }
}

const packages = ['hotpath', 'fastify', 'pg', 'lru-cache', 'redis', 'autocannon']

function packageVersion(name: string): string {
  const resolve = createRequire(import.meta.url).resolve
  const folders = resolve.paths(name) ?? []
  for (const folder of folders) {
    try {
      const text = readFileSync(`${folder}/${name}/package.json`, 'utf8')
      return (JSON.parse(text) as { version: string }).version
    } catch {
      // Not in this folder; the next one up may have it.
    }
  }
  return 'unknown'
}

function postgresVersion(databaseUrl: string): Promise<string> {
  return withClient(databaseUrl, async (client) => {
    const { rows } = await client.query<{ server_version: string }>('show server_version')
    return rows[0]?.server_version ?? 'unknown'
  })
}
