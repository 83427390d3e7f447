export { ItemsFailedError, type ItemFailure } from './items-failed.ts'
export { mapConcurrent, type ConcurrentMap, type Settled } from './map-concurrent.ts'
export type { MapContext, MapFunction, MapOptions } from './map-options.ts'
