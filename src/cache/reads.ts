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

  /** `undefined` is a miss, like an answer that was loaded. */
  count(key: string, answer: Answer | undefined, startedMs: number): void {
    if (answer?.tier === 'memory') this.memoryHits++
    else if (answer?.tier === 'redis') this.redisHits++
    else this.misses++
    if (answer?.isStale === true) this.stale++
    this.#events.read(key, answer, startedMs)
  }
}
