export { createBoundedStore, type BoundedStore, type BoundedStoreOptions } from './bounded-store.ts'
export { BoundedEntry } from './entry-queue.ts'
