import { invalid, positiveMs } from '../core/index.ts'
import type { GetOrSetOptions, Loader, SetOptions } from './cache.ts'
import { checkTags } from './keys.ts'
import type { Fresh } from './memory-entry.ts'
import { checkTimeouts, staleMsOrOff, type ResolvedKeeping } from './resolved-options.ts'

/** How long a value is to be kept, and served after that. */
export interface Retention {
  readonly ttlMs: number
  readonly staleMs: number | false
  readonly staleIfErrorMs: number | false
}

/** A call of `getOrSet`, with all that its options leave open. */
export interface Call {
  readonly load: Loader<unknown>
  readonly retention: Retention
  readonly tags: readonly string[] | undefined
  readonly signal: AbortSignal | undefined
  readonly softTimeoutMs: number | false
  readonly hardTimeoutMs: number | false
  readonly isRefreshAwaited: boolean
  readonly onStale: (() => void) | undefined
}

/** What holds where a call does not say. */
export class CallDefaults {
  readonly #keeping: ResolvedKeeping

  constructor(keeping: ResolvedKeeping) {
    this.#keeping = keeping
  }

  /** @throws HotpathError HOTPATH_OPTION_INVALID, HOTPATH_CACHE_KEY_INVALID */
  call(load: Loader<unknown>, options: GetOrSetOptions): Call {
    if (typeof load !== 'function') invalid('the loader', 'a function', load)
    const retention = this.retention(options)
    const { tags, signal, onStale, isRefreshAwaited = false } = options
    const { softTimeoutMs = this.#soft(retention), hardTimeoutMs = this.#keeping.hardTimeoutMs } =
      options
    if (options.softTimeoutMs !== undefined || options.hardTimeoutMs !== undefined) {
      const { staleIfErrorMs } = retention
      checkTimeouts({ softTimeoutMs, hardTimeoutMs, staleIfErrorMs })
    }
    if (tags !== undefined) checkTags(tags)
    const limits = { softTimeoutMs, hardTimeoutMs, signal }
    return { load, retention, tags, ...limits, isRefreshAwaited, onStale }
  }

  /** @throws HotpathError HOTPATH_OPTION_INVALID */
  retention({ ttlMs, staleMs, staleIfErrorMs }: SetOptions): Retention {
    const kept = this.#keeping
    return {
      ttlMs: ttlMs === undefined ? kept.ttlMs : positiveMs('ttlMs', ttlMs),
      staleMs: staleMs === undefined ? kept.staleMs : staleMsOrOff('staleMs', staleMs),
      staleIfErrorMs:
        staleIfErrorMs === undefined
          ? kept.staleIfErrorMs
          : staleMsOrOff('staleIfErrorMs', staleIfErrorMs),
    }
  }

  fresh(
    value: unknown,
    retention: Retention,
    tags: readonly string[] | undefined,
    loadMs: number,
  ): Fresh {
    const { negativeTtlMs, ttlJitterRatio } = this.#keeping
    const isMissing = value === undefined || value === null
    const mostMs = isMissing ? Math.min(retention.ttlMs, negativeTtlMs) : retention.ttlMs
    return {
      value,
      isMissing,
      ttlMs: ttlJitterRatio === 0 ? mostMs : mostMs * (1 - ttlJitterRatio * Math.random()),
      // What is missing may be made at any moment by somebody who knows nothing of the cache.
      staleMs: isMissing ? 0 : retention.staleMs || 0,
      staleIfErrorMs: isMissing ? 0 : retention.staleIfErrorMs || 0,
      loadMs,
      tags,
    }
  }

  // A call that keeps no stale values has nothing to be served early.
  #soft({ staleIfErrorMs }: Retention): number | false {
    return staleIfErrorMs === false ? false : this.#keeping.softTimeoutMs
  }
}
