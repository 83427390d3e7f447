import type { Service, Services } from './bench.ts'
import type { Claim } from './claims.ts'

/**
 * A long run that tries to break something. It is the default export of one file in `bench/soaks/`;
 * a reduced run of it is among the integration tests.
 */
export interface Soak {
  /** What it does to whom, in a sentence. */
  readonly title: string
  /** Packages whose installed versions are printed. */
  readonly peers: readonly string[]
  readonly services: readonly Service[]
  /** How many operations it runs unless told otherwise. */
  readonly operations: number
  readonly run: (given: SoakGiven) => Promise<SoakOutcome>
}

/** What a soak is run with. */
export interface SoakGiven extends Services {
  readonly operations: number
  /** Decides what is done in which order, as far as that is ours to decide. */
  readonly seed: number
  /** Says how far the soak is; call it as often as you like. */
  readonly progress: (done: number) => void
}

/** What came of it. */
export interface SoakOutcome {
  /** What was counted, by who was put to it. */
  readonly contenders: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** What went wrong, in words, if anything did. */
  readonly failures: readonly string[]
  readonly claims: readonly Claim[]
}
