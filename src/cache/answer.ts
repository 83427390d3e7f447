import type { EntryState, MemoryEntry } from './memory-entry.ts'

/** Where values are kept. */
export type Tier = 'memory' | 'redis'

/** What a caller is answered with. */
export interface Answer {
  readonly value: unknown
  readonly isMissing: boolean
  /** It is past its TTL. */
  readonly isStale: boolean
  /** Where it was found; `undefined` where it was loaded. */
  readonly tier: Tier | undefined
}

/** An entry, where it was found, and what may be done with it now. */
export interface Held {
  readonly entry: MemoryEntry
  readonly tier: Tier
  readonly state: EntryState
}

export function answerFrom({ entry, tier, state }: Held): Answer {
  const { value, isMissing } = entry
  return { value, isMissing, tier, isStale: state === 'stale' || state === 'spare' }
}
