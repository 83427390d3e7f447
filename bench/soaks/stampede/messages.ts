// What the processes of a stampede and the one that drives them say to each other.

/** What a process is started with, as the only argument, in JSON. */
export interface Beginning {
  /** Where `hotpath` and `hotpath/cache` are imported from. */
  readonly core: string
  readonly cache: string
  readonly url: string
  readonly namespace: string
  readonly leaseMs: number
}

/** To a process: let so many callers ask for a key at once; or let the loader of it return. */
export type Order =
  | { readonly ask: string; readonly callers: number }
  | { readonly finish: string }
  | { readonly stop: true }

/** From a process. */
export type Report =
  | { readonly kind: 'ready' }
  /** The loader of the key was called. */
  | { readonly kind: 'loading'; readonly key: string }
  /** What its callers were given, each value once, and how many were given an error. */
  | {
      readonly kind: 'answered'
      readonly key: string
      readonly values: readonly string[]
      readonly failures: number
    }
