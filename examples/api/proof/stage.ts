import type { BuildName } from '../api/contract.ts'
import type { Catalogue } from './catalogue.ts'
import type { LoadProcess } from './load/load-process.ts'
import type { PerBuild } from './per-build.ts'
import type { RowResult } from './row.ts'

/** What stands ready to be measured. */
export interface Bench {
  /** Where each build listens, on 127.0.0.1. All are up; only one is under load at a time. */
  readonly ports: PerBuild<number>
  readonly databaseUrl: string
  /** Where the usual and the hotpath build keep responses; without it, in their memory. */
  readonly redisUrl: string | undefined
  /** Where the stand-in for other services is. */
  readonly networkUrl: string
  /** A folder for another server of a build. */
  readonly dataFolder: string
  readonly catalogue: Catalogue
  readonly load: LoadProcess
  /** The CPU time that a build has taken since it was started, in all of its threads. */
  readonly cpuMs: (build: BuildName) => Promise<number>
  readonly signal: AbortSignal
}

/** What a row has to work with. */
export interface Stage extends Bench {
  /** How many interleaved rounds to take. */
  readonly rounds: number
  /** The time that the row has for all of its rounds. */
  readonly budgetMs: number
  /** The rows measured before this one, by id. */
  readonly results: ReadonlyMap<string, RowResult>
}
