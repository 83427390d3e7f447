import type { Services } from '../../kit/bench.ts'
import type { EngineKind } from './engines.ts'

/** By when others have the tasks of a killed worker, in the median. */
export const takeoverBarsMs: Readonly<Record<EngineKind, number>> = {
  sqlite: 2_000,
  postgres: 15_000,
  redis: 10_000,
}

/** What the packages beneath or beside take by default before they notice. */
export const peerDefaults =
  'By default BullMQ takes 30 s of a lock that is not renewed (and looks every 30 s), pg-boss 15 minutes, graphile-worker 4 hours.'

/** How long a freeze has to last so that others have taken over. */
export const freezesMs: Readonly<Record<EngineKind, number>> = {
  sqlite: 3_000,
  postgres: 9_000,
  redis: 10_000,
}

/** Where the store of an engine is in a run; undefined: a file of its own. */
export function addressOf(kind: EngineKind, { url }: Services): string | undefined {
  return kind === 'sqlite' ? undefined : url(kind)
}
