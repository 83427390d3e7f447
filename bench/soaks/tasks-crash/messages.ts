import type { EngineKind } from './engines.ts'

/** What a worker process begins with. */
export interface Beginning {
  /** URLs of the modules, so that a test runs the source and a soak the package. */
  readonly core: string
  readonly tasks: string
  readonly kind: EngineKind
  readonly address: string
  /** Where it notes what it does, line by line: what is written survives a SIGKILL. */
  readonly logFile: string
  readonly taskMs: number
}

/** A line of a worker's log. */
export interface Note {
  readonly what: 'begun' | 'completed'
  readonly id: string
  readonly attempt: number
  readonly atMs: number
  readonly pid: number
}

export const taskName = 'crash'

/** What a task returns: who completed it. */
export interface Signature {
  readonly pid: number
  readonly attempt: number
}
