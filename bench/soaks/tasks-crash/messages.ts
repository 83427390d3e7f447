// What the workers of a crash and the process that kills them say to each other.

/** What a worker is started with, as the only argument, in JSON. */
export interface Beginning {
  readonly engine: EngineName
  /** Where `hotpath/tasks` and `hotpath/postgres` are imported from. */
  readonly tasks: string
  readonly postgres: string
  /** The store: the URL of a server, or a file. */
  readonly store: string
  readonly concurrency: number
}

export type EngineName = 'sqlite' | 'postgres' | 'redis'

/** From a worker. */
export type Report =
  | { readonly kind: 'ready' }
  /** It has begun an attempt. */
  | { readonly kind: 'begun'; readonly id: string; readonly attempt: number }
  /** The store has taken its completion. */
  | { readonly kind: 'completed'; readonly id: string; readonly attempt: number }
  /** What it did was refused, so many times by now: others had taken over. */
  | { readonly kind: 'fenced'; readonly count: number }
  | { readonly kind: 'trouble'; readonly message: string }

/** The result of each task: which attempt, of which process, has completed it. */
export interface Completion {
  readonly pid: number
  readonly attempt: number
}

export const taskName = 'crash'
