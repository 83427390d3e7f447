export { hotpath } from './middleware.ts'
export type { CachedOptions, Hotpath } from './types.ts'
export { taskRoutes, type TaskRoutes } from './tasks.ts'
export type {
  HotpathOptions,
  Budgets,
  BudgetsOptions,
  Compressor,
  CompressorOptions,
  DecodeOptions,
  LimitAnswer,
  LimitOptions,
  ResponseCache,
  ResponseCacheOptions,
  ResponseCacheStats,
  ServedTask,
  ServedTasks,
  ShedOptions,
  ShedRequest,
  TaskRoutesOptions,
  TrustProxy,
} from '../../http/index.ts'
