export {
  createShedder,
  type Outcome,
  type Permit,
  type Refusal,
  type Shedder,
  type ShedderStats,
} from './shedder.ts'
export type { Priority, ShedderOptions } from './shedder-options.ts'
