/**
 * Every code that hotpath throws. The union is closed: `docs/errors.md` has a section for each one,
 * and a test keeps the two equal. A retired code is never used again for something else.
 */
export const errorCodes = [
  'HOTPATH_OPTION_INVALID',
  'HOTPATH_COMPONENT_CLOSED',
  'HOTPATH_PEER_MISSING',
  'HOTPATH_MEMO_KEY_INVALID',
  'HOTPATH_REDIS_TIMEOUT',
  'HOTPATH_CACHE_KEY_INVALID',
  'HOTPATH_CACHE_VALUE_INVALID',
  'HOTPATH_CACHE_LOAD_TIMEOUT',
  'HOTPATH_POSTGRES_POOL_EXHAUSTED',
  'HOTPATH_POSTGRES_CONNECT_FAILED',
  'HOTPATH_POSTGRES_QUERY_INVALID',
  'HOTPATH_POSTGRES_QUERY_TIMEOUT',
  'HOTPATH_POSTGRES_OUTCOME_UNKNOWN',
  'HOTPATH_POSTGRES_CURSOR_INVALID',
  'HOTPATH_LIMIT_POLICY_INVALID',
  'HOTPATH_LIMIT_USE_INVALID',
  'HOTPATH_BATCH_ITEMS_FAILED',
  'HOTPATH_BATCH_REQUEST_INVALID',
  'HOTPATH_BATCH_CONNECTION_FAILED',
  'HOTPATH_BATCH_TIMEOUT',
  'HOTPATH_BATCH_STATUS',
  'HOTPATH_BATCH_REDIRECT_INVALID',
  'HOTPATH_BATCH_ADDRESS_REFUSED',
  'HOTPATH_BATCH_BODY_TOO_LARGE',
  'HOTPATH_BATCH_BODY_INVALID',
  'HOTPATH_BATCH_QUEUE_FULL',
  'HOTPATH_BATCH_ANSWER_INVALID',
  'HOTPATH_STREAM_SOURCE_FAILED',
  'HOTPATH_STREAM_ROW_FAILED',
  'HOTPATH_STREAM_SINK_FAILED',
  'HOTPATH_WORKERS_MODULE_INVALID',
  'HOTPATH_WORKERS_VALUE_INVALID',
  'HOTPATH_WORKERS_QUEUE_FULL',
  'HOTPATH_WORKERS_TIMEOUT',
  'HOTPATH_WORKERS_OUT_OF_MEMORY',
  'HOTPATH_WORKERS_THREAD_DIED',
  'HOTPATH_TASKS_UNKNOWN_TASK',
  'HOTPATH_TASKS_INPUT_INVALID',
  'HOTPATH_TASKS_RESULT_INVALID',
  'HOTPATH_TASKS_TIMEOUT',
  'HOTPATH_TASKS_CANCELLED',
  'HOTPATH_TASKS_LEASE_LOST',
  'HOTPATH_TASKS_WORKER_LOST',
  'HOTPATH_TASKS_STORE_FAILED',
  'HOTPATH_TASKS_UNSUPPORTED',
  'HOTPATH_TASKS_UPLOAD_TOO_LARGE',
  'HOTPATH_TASKS_UPLOAD_DISK_FULL',
  'HOTPATH_TASKS_UPLOAD_FAILED',
  'HOTPATH_TASKS_UPLOAD_TIMEOUT',
  'HOTPATH_TASKS_UPLOAD_MISSING',
  'HOTPATH_HTTP_ROUTE_INVALID',
  'HOTPATH_HTTP_BODY_INVALID',
] as const

/** The code of a {@link HotpathError}: `HOTPATH_<ROOM>_<WHAT>`. */
export type HotpathErrorCode = (typeof errorCodes)[number]

/**
 * The one error class of hotpath. Branch on `code`; the message says what happened, why, and what
 * to do next, and may change between releases.
 *
 * @example
 * ```ts
 * import { HotpathError } from 'hotpath'
 *
 * const error = new HotpathError('HOTPATH_OPTION_INVALID', 'maxEntries must be a positive integer')
 * if (error instanceof HotpathError && error.code === 'HOTPATH_OPTION_INVALID') {
 *   console.log(error.message)
 * }
 * ```
 */
export class HotpathError extends Error {
  override readonly name: string = 'HotpathError'
  /** What happened, as a stable identifier; see `docs/errors.md`. */
  readonly code: HotpathErrorCode

  constructor(code: HotpathErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
