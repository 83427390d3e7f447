import type { EngineKind } from './engines.ts'

/** By when others have the tasks of a killed worker, in the median. */
export const takeoverBarsMs: Readonly<Record<EngineKind, number>> = { sqlite: 2_000 }

/** What the packages beneath or beside take by default before they notice. */
export const peerDefaults =
  'By default BullMQ takes 30 s of a lock that is not renewed (and looks every 30 s), pg-boss 15 minutes, graphile-worker 4 hours.'
