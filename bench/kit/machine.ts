import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'
import { canPin } from './pinning.ts'

/** Where the figures come from, as the last line has it. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly os: string
  readonly node: string
  /** Whether each contender had a core for itself. */
  readonly pinned: boolean
  /** How many processes wanted to run, on average, in the minute before the start. */
  readonly loadAverage: number
  /** Installed versions of the peers and of the servers. */
  readonly versions: Readonly<Record<string, string>>
}

/** Call it before anything is started: the load average must be that of the others. */
export function describeMachine(): Omit<Machine, 'versions'> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    os: `${type()} ${release()}`,
    node: process.version,
    pinned: canPin,
    loadAverage: loadavg()[0] ?? 0,
  }
}

/** The versions that a bench runs with, which are the pinned ones if `npm ci` was run. */
export function installedVersions(packages: readonly string[]): Record<string, string> {
  return Object.fromEntries(packages.map((name) => [name, installedVersion(name)]))
}

function installedVersion(name: string): string {
  const path = findPackageJSON(name, import.meta.url)
  if (path === undefined) throw new Error(`${name} is not installed: run npm ci`)
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
}
