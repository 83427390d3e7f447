/**
 * What happens to a request between the socket and its handler, without a framework. Every adapter
 * takes the same steps in the same order:
 *
 * 0. **observe**: opens the exchange, which ends with the last byte of the response, and is judged
 *    and traced then ({@link ObserveStep}); only where something of it is asked for
 * 1. **address**: who the client is, through trusted proxies only
 * 2. **shed**, **limit**: whether the process has room for it ({@link ShedStep}), and whether it may
 *    ask now; before anything that costs
 * 3. **authentication**: the app's own; hotpath only keeps its place
 * 4. **cache**: a stored response ends the exchange here ({@link CachedRoute}). Behind the app's
 *    authentication, so that a hit never goes around it; a route that is marked public may be
 *    answered before it
 * 5. **decode**: whoever reads the body reads it decoded, within limits ({@link DecodeStep})
 * 6. **handler**: the app's own; its answer passes the cache step on the way back and may be stored
 * 7. **compress**: behind the cache on the way back, so that what is stored serves every client
 *
 * A step that a later release adds has its place in this list and its file in this folder.
 *
 * @module
 */
export type { Shedder } from '../limit/index.ts'
export type { Budgets, BudgetsOptions } from '../measure/index.ts'
export {
  closeHotpath,
  routeLimit,
  resolveHotpathOptions,
  resolveSteps,
  type HotpathOptions,
  type ResolvedHotpathOptions,
} from './adapter-options.ts'
export { sendableBody, type ReadyAnswer } from './answer.ts'
export { CachedRoute, type Found } from './cached-route.ts'
export {
  attachExchange,
  exchangeOf,
  noteForwarded,
  noteFound,
  runExchange,
  type ObservedRequest,
} from './exchange.ts'
export { isEncrypted } from './client-scheme.ts'
export { ForwardedRequest, type FinishedAnswer } from './forwarded-request.ts'
export type { ResponseHeaders } from './header-rules.ts'
export { keepTicksFast } from './keep-ticks-fast.ts'
export { namedRoute, type NamedRouteOptions } from './named-route.ts'
export { addNodeTags } from './node-recorder.ts'
export { NodeRequestView } from './node-request.ts'
export { abandonAfterClose, lateAnswerMs } from './node-close.ts'
export { NodeCacheStep } from './node-step.ts'
export { isSafeMethod, settleBeforeEnd } from './node-unsafe.ts'
export type { RequestView } from './request-view.ts'
export { observeOptionNames, type ObserveOptions } from './observe-options.ts'
export { resolveObserveStep, type ObserveStep } from './observe-step.ts'
export { createResponseCache, type ResponseCache } from './response-cache.ts'
export type { ResponseCacheOptions } from './response-cache-options.ts'
export type { ResponseCacheStats, ResponseCounts } from './response-stats.ts'
export type { CacheableRequest, CachedRouteOptions, RoutePlace } from './route-options.ts'
export {
  refusalAnswer,
  releaseOnClose,
  ShedStep,
  type ShedOptions,
  type ShedRequest,
} from './shed-step.ts'
export type { StoredResponse } from './stored-response.ts'
export type { Compressor, CompressorOptions } from '../compress/index.ts'
export {
  resolveCompressStep,
  weakened,
  type CompressPlan,
  type CompressStep,
} from './compress-step.ts'
export { compressNode } from './node-compress.ts'
export { bodyAnswer, DecodeStep, describeDecoded, type DecodeOptions } from './decode-request.ts'
export { decodeNode, withoutRefusedBody } from './node-decode.ts'
export { RequestBodyError } from './request-decoder.ts'
export {
  clientAddress,
  resolveTrustProxy,
  type TrustedProxies,
  type TrustProxy,
} from './client-address.ts'
export type { LimitAnswer, LimitOptions, RequestLimiter } from './limit-options.ts'
export { LimitStep, type LimitedRequest, type LimitVerdict } from './limit-step.ts'
export { acceptTask, serveTask } from './node-tasks.ts'
export type { ServedTask, ServedTasks, TaskRoutesOptions } from './task-options.ts'
export { TaskRoutes, type TaskAnswer, type TaskRequest } from './task-routes.ts'
