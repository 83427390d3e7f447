import { activeTrace, eventChannel, type Clock } from '../core/index.ts'
import type { Answer } from './answer.ts'

const reads = eventChannel('hotpath:cache:read')
const loads = eventChannel('hotpath:cache:load')
const trouble = eventChannel('hotpath:cache:trouble')

/** How one load ended. */
export interface CacheLoad {
  readonly key: string
  readonly isRefresh: boolean
  /** `undefined` for a load that brought a value. */
  readonly error: unknown
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

  /** `undefined` is a miss, like an answer that was loaded. */
  read(key: string, answer: Answer | undefined, startedMs: number): void {
    if (!this.isReadHeard) return
    const cache = this.#cache
    const nowMs = this.#clock.monotonicMs()
    const verdict = verdictOn(answer)
    reads.publish({ cache, key, verdict, tier: answer?.tier, durationMs: nowMs - startedMs })
    activeTrace()?.add({ kind: 'cache', atMs: nowMs, cache, key, verdict })
  }

  load(load: CacheLoad, startedMs: number): void {
    if (!loads.hasSubscribers) return
    const durationMs = this.#clock.monotonicMs() - startedMs
    loads.publish({ cache: this.#cache, durationMs, ...load })
  }

  trouble(operation: string, error: unknown): void {
    if (trouble.hasSubscribers) trouble.publish({ cache: this.#cache, operation, error })
  }
}

function verdictOn(answer: Answer | undefined): 'hit' | 'missing' | 'stale' | 'miss' {
  if (answer?.tier === undefined) return 'miss'
  if (answer.isStale) return 'stale'
  return answer.isMissing ? 'missing' : 'hit'
}
