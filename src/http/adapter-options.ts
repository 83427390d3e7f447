import { knownOptions, systemClock, type Clock } from '../core/index.ts'
import { createResponseCache, type ResponseCache } from './response-cache.ts'
import type { ResponseCacheOptions } from './response-cache-options.ts'
import type { Compressor, CompressorOptions } from '../compress/index.ts'
import { resolveCompressStep, type CompressStep } from './compress-step.ts'
import { resolveTrustProxy, type TrustedProxies, type TrustProxy } from './client-address.ts'
import { DecodeStep, type DecodeOptions } from './decode-request.ts'
import type { LimitOptions } from './limit-options.ts'
import { LimitStep } from './limit-step.ts'
import { MadeComponents } from './made-components.ts'
import { observeOptionNames, type ObserveOptions } from './observe-options.ts'
import { resolveObserveStep, type ObserveStep } from './observe-step.ts'
import { ShedStep, type ShedOptions } from './shed-step.ts'

/** What `hotpath()` takes, in all adapters whose routes name their cache themselves. */
export interface HotpathOptions<Raw> extends ObserveOptions {
  /**
   * The response cache; `false` runs every route without, whatever it says.
   *
   * @defaultValue {} (in memory, 10,000 responses and 64 MiB)
   */
  cache?: ResponseCacheOptions | false | undefined
  /**
   * Refuses requests, by a 503, that the process could not answer in time.
   *
   * @defaultValue false
   */
  shed?: ShedOptions | false | undefined
  /**
   * A limit for all requests, before any that routes have of their own.
   *
   * @defaultValue false
   */
  limit?: LimitOptions<Raw> | string | false | undefined
  /**
   * Compresses responses. What the response cache keeps is compressed once, when a client first asks for
   * a coding, and kept in that form too: with this, `cache.compress` is on unless it says otherwise, for
   * bodies from the same size on, in the codings of this that most clients know (`br` and `gzip`).
   *
   * @defaultValue false
   */
  compress?: CompressorOptions | Compressor | boolean | undefined
  /**
   * Decodes the bodies of requests with a `Content-Encoding` of gzip, br or zstd, as far as they stay
   * within limits.
   *
   * @defaultValue false
   */
  decodeRequests?: DecodeOptions | boolean | undefined
  /**
   * Which proxies are believed about the address of a client, and in metrics about its scheme.
   *
   * @defaultValue false (none: both are those of the socket)
   */
  trustProxy?: TrustProxy | undefined
}

/** What an adapter works with. */
export interface ResolvedHotpathOptions<Raw> {
  readonly responseCache: ResponseCache | undefined
  readonly observe: ObserveStep | undefined
  readonly clock: Clock
  readonly shed: ShedStep | undefined
  readonly limit: LimitStep<Raw> | undefined
  readonly compress: CompressStep | undefined
  readonly decode: DecodeStep | undefined
  readonly proxies: TrustedProxies | undefined
  /** The limits that routes have of their own, to be ended with the rest. */
  readonly routeLimits: LimitStep<Raw>[]
}

/** A limit of a route's own. */
export function routeLimit<Raw>(
  { proxies, routeLimits }: ResolvedHotpathOptions<Raw>,
  options: LimitOptions<Raw> | string,
): LimitStep<Raw> {
  const step = new LimitStep('limit', options, proxies)
  routeLimits.push(step)
  return step
}

/** Ends what was made for the options. */
export async function closeHotpath<Raw>({
  responseCache,
  shed,
  limit,
  compress,
  observe,
  routeLimits,
}: ResolvedHotpathOptions<Raw>): Promise<void> {
  await Promise.all([
    observe?.close(),
    responseCache?.close(),
    shed?.close(),
    limit?.close(),
    compress?.close(),
    ...routeLimits.map((step) => step.close()),
  ])
}

/** @throws HotpathError HOTPATH_OPTION_INVALID, HOTPATH_LIMIT_POLICY_INVALID */
export function resolveHotpathOptions<Raw>(
  options: HotpathOptions<Raw>,
): ResolvedHotpathOptions<Raw> {
  knownOptions('hotpath', options, [
    'cache',
    ...observeOptionNames,
    'shed',
    'limit',
    'compress',
    'decodeRequests',
    'trustProxy',
  ])
  return resolveSteps(options)
}

/**
 * The same for an adapter that has checked the names of the options itself. Where one of them is wrong
 * nothing stays behind of what was made for the others.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID, HOTPATH_LIMIT_POLICY_INVALID
 */
export function resolveSteps<Raw>(options: HotpathOptions<Raw>): ResolvedHotpathOptions<Raw> {
  const { cache = {}, shed = false, limit = false, trustProxy = false } = options
  const { decodeRequests = false } = options
  const proxies = resolveTrustProxy(trustProxy)
  const decode = decodeRequests === false ? undefined : new DecodeStep(decodeRequests)
  const made = new MadeComponents()
  try {
    const compress = made.keep(resolveCompressStep(options.compress))
    return {
      compress,
      observe: made.keep(resolveObserveStep(options, proxies)),
      responseCache: cache === false ? undefined : made.keep(createResponseCache(cache, compress)),
      clock: (cache === false ? undefined : cache.clock) ?? systemClock,
      shed: shed === false ? undefined : made.keep(new ShedStep(shed)),
      limit: limit === false ? undefined : made.keep(new LimitStep('limit', limit, proxies)),
      decode,
      proxies,
      routeLimits: [],
    }
  } catch (error) {
    made.close()
    throw error
  }
}
