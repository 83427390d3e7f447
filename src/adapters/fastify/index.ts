export { hotpath } from './plugin.ts'
export type {
  CacheRequest,
  HotpathDecorator,
  HotpathFastifyOptions,
  HotpathRouteConfig,
} from './types.ts'
export { taskRoutes, type TaskRoutes } from './tasks.ts'
export type {
  CachedRouteOptions,
  ResponseCache,
  ResponseCacheOptions,
  ResponseCacheStats,
  ServedTask,
  ServedTasks,
  ShedOptions,
  ShedRequest,
  Budgets,
  BudgetsOptions,
  Compressor,
  CompressorOptions,
  DecodeOptions,
  LimitAnswer,
  LimitOptions,
  TaskRoutesOptions,
  TrustProxy,
} from '../../http/index.ts'
