export { memoize, type Memoized } from './memoize.ts'
export { memoized, type MemoizedOptions } from './memoized.ts'
export type { MemoizeOptions } from './options.ts'
export type { MemoStats } from './result-store.ts'
