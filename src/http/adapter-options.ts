import { knownOptions, nonNegativeInteger, systemClock, type Clock } from '../core/index.ts'
import { createResponseCache, type ResponseCache } from './response-cache.ts'
import type { ResponseCacheOptions } from './response-cache-options.ts'
import { ShedStep, type ShedOptions } from './shed-step.ts'

/** What `hotpath()` takes, in all adapters whose routes name their cache themselves. */
export interface HotpathOptions {
  /**
   * The response cache; `false` runs every route without, whatever it says.
   *
   * @defaultValue {} (in memory, 10,000 responses and 64 MiB)
   */
  cache?: ResponseCacheOptions | false | undefined
  /**
   * Entries that the trace of one request keeps (queries, cache verdicts); 0 traces nothing and
   * costs nothing. With a number every handler runs in a request context that `requestContext()`
   * reads. For development and for the doctor.
   *
   * @defaultValue 0
   */
  maxTraceEntries?: number | undefined
  /**
   * Refuses requests, by a 503, that the process could not answer in time.
   *
   * @defaultValue false
   */
  shed?: ShedOptions | false | undefined
}

/** What an adapter works with. */
export interface ResolvedHotpathOptions {
  readonly responseCache: ResponseCache | undefined
  readonly maxTraceEntries: number
  readonly clock: Clock
  readonly shed: ShedStep | undefined
}

/** @throws HotpathError HOTPATH_OPTION_INVALID */
export function resolveHotpathOptions(options: HotpathOptions): ResolvedHotpathOptions {
  knownOptions('hotpath', options, ['cache', 'maxTraceEntries', 'shed'])
  const { cache, maxTraceEntries = 0, shed = false } = options
  return {
    maxTraceEntries: nonNegativeInteger('maxTraceEntries', maxTraceEntries),
    responseCache: cache === false ? undefined : createResponseCache(cache),
    clock: (cache === false ? undefined : cache?.clock) ?? systemClock,
    shed: shed === false ? undefined : new ShedStep(shed),
  }
}
