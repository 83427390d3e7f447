import type { BuildName, PerBuild } from './build-names.ts'
import type { Catalogue } from './catalogue.ts'
import type { LoadProcess } from './load/load-process.ts'
import type { RowResult } from './row.ts'

/** What a row has to work with. */
export interface Stage {
  /** Where each build listens, on 127.0.0.1. All are up; only one is under load at a time. */
  readonly ports: PerBuild<number>
  readonly databaseUrl: string
  readonly catalogue: Catalogue
  readonly load: LoadProcess
  /** How many interleaved rounds to take. */
  readonly rounds: number
  /** The time that the row has for all of its rounds. */
  readonly budgetMs: number
  /** The rows measured before this one. */
  readonly results: ReadonlyMap<string, RowResult>
  readonly signal: AbortSignal
}

/** The address of a build. */
export function originOf(stage: Stage, build: BuildName): string {
  return `http://127.0.0.1:${stage.ports[build]}`
}
