import { activeTrace, eventChannel, type Clock } from '../core/index.ts'

const reads = eventChannel('hotpath:cache:read')
const loads = eventChannel('hotpath:cache:load')
const trouble = eventChannel('hotpath:cache:trouble')

/** How one read ended. */
export interface CacheRead {
  readonly key: string
  /** What was found says that there is no such thing. */
  readonly isMissing: boolean
  /** Where it was found; `undefined` for a miss. */
  readonly tier: 'memory' | 'redis' | undefined
}

/** What a cache says of itself, to whoever listens. */
export class CacheEvents {
  readonly #cache: string
  readonly #clock: Clock

  constructor(cache: string, clock: Clock) {
    this.#cache = cache
    this.#clock = clock
  }

  /** Ask this before anything is measured for {@link CacheEvents.read}. */
  get isReadHeard(): boolean {
    return reads.hasSubscribers || activeTrace() !== undefined
  }

  read({ key, isMissing, tier }: CacheRead, startedMs: number): void {
    if (!this.isReadHeard) return
    const cache = this.#cache
    const nowMs = this.#clock.monotonicMs()
    const found = isMissing ? 'missing' : 'hit'
    const verdict = tier === undefined ? 'miss' : found
    reads.publish({ cache, key, verdict, tier, durationMs: nowMs - startedMs })
    activeTrace()?.add({ kind: 'cache', atMs: nowMs, cache, key, verdict })
  }

  load(key: string, startedMs: number, error: unknown): void {
    if (!loads.hasSubscribers) return
    const durationMs = this.#clock.monotonicMs() - startedMs
    loads.publish({ cache: this.#cache, key, durationMs, error })
  }

  trouble(operation: string, error: unknown): void {
    if (trouble.hasSubscribers) trouble.publish({ cache: this.#cache, operation, error })
  }
}
