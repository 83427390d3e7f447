export { memoize, type MemoizeOptions, type Memoized, type MemoStats } from './memoize.ts'
export { memoized, type MemoizedOptions } from './memoized.ts'
