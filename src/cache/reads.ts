import type { Clock } from '../core/index.ts'
import { answerFrom, type Answer } from './answer.ts'
import type { CacheEvents } from './events.ts'
import type { MemoryEntry } from './memory-entry.ts'

/** How the reads of a cache were answered. */
export class Reads {
  memoryHits = 0
  redisHits = 0
  misses = 0
  stale = 0
  readonly #events: CacheEvents
  readonly #clock: Clock

  constructor(events: CacheEvents, clock: Clock) {
    this.#events = events
    this.#clock = clock
  }

  get hits(): number {
    return this.memoryHits + this.redisHits
  }

  /** A fresh value in memory: all that is done for it beside finding it. */
  hit(entry: MemoryEntry): unknown {
    this.memoryHits++
    if (this.#events.isReadHeard) {
      const answer = answerFrom({ entry, tier: 'memory', state: 'fresh' })
      this.#events.read(entry.key, answer, this.#clock.monotonicMs())
    }
    return entry.value
  }

  /** When a read begins; `undefined` where nobody will hear of it: then the clock is not read. */
  get startedMs(): number | undefined {
    return this.#events.isReadHeard ? this.#clock.monotonicMs() : undefined
  }

  /** `undefined` is a miss, like an answer that was loaded. */
  count(key: string, answer: Answer | undefined, startedMs: number | undefined): void {
    if (answer?.tier === 'memory') this.memoryHits++
    else if (answer?.tier === 'redis') this.redisHits++
    else this.misses++
    if (answer?.isStale === true) this.stale++
    if (startedMs !== undefined) this.#events.read(key, answer, startedMs)
  }
}
