// What the other rooms use. Users of the package get `public.ts` as `hotpath/memo`.
export { approximateBytes } from './approximate-bytes.ts'
export {
  BoundedEntry,
  createBoundedStore,
  type BoundedStore,
  type BoundedStoreOptions,
} from './bounded-store.ts'
export { CoarseTime } from './coarse-time.ts'
export { absent, SlotStore, type SlotStoreOptions } from './slot-store.ts'
