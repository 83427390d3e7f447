import type { Answer } from './exchange.ts'
import { FetchError } from './fetch-error.ts'
import type { Target } from './fetch-request.ts'

/**
 * Whether an answer may be asked for again: the server said that it could not answer now, and asking
 * twice does no more than asking once.
 */
export function mayAskAgain(target: Target, { status }: Answer): boolean {
  return transientStatuses.has(status) && isRepeatable(target)
}

/**
 * Whether a failed attempt may be repeated. What has not been sent can be sent, whatever it is; what
 * the server may have seen only if doing it twice is doing it once (RFC 9110 section 9.2.2).
 */
export function mayRetry(target: Target, error: unknown, isSent: boolean): boolean {
  return mayBeOverload(error) && (!isSent || isRepeatable(target))
}

/**
 * Whether an attempt failed as it does at a server that has too much to do, and may do better later: it
 * was too slow, or the connection broke. A body that is too long or a loop of redirects says nothing.
 */
export function mayBeOverload(error: unknown): boolean {
  if (!(error instanceof FetchError)) return false
  const { code, cause } = error
  if (code === 'HOTPATH_BATCH_TIMEOUT') return true
  return code === 'HOTPATH_BATCH_CONNECTION_FAILED' && !isPermanent(cause)
}

/**
 * How long to wait before the attempt that follows so many: anything up to 100 ms, 200 ms, 400 ms, …
 * ("full jitter": https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter), on top of
 * what the server asked for, so that those who were sent away together do not come back together.
 */
export function backoffMs(attempts: number, retryAfterMs: number | undefined): number {
  const jitterMs = Math.random() * Math.min(maxBackoffMs, firstBackoffMs * 2 ** (attempts - 1))
  return (retryAfterMs ?? 0) + jitterMs
}

const transientStatuses = new Set([408, 429, 502, 503, 504])
const idempotentMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE', 'QUERY'])
const firstBackoffMs = 100
const maxBackoffMs = 10_000

function isRepeatable({ method, headers }: Target): boolean {
  return idempotentMethods.has(method) || headers['idempotency-key'] !== undefined
}

// A name that does not exist, a certificate that is refused, an answer that is no HTTP: asking again
// gives the same.
function isPermanent(cause: unknown): boolean {
  const { code } = (cause ?? {}) as { code?: unknown }
  return typeof code === 'string' && permanentCode.test(code)
}

const permanentCode =
  /^(?:ENOTFOUND$|ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HPE_|UND_ERR_HEADERS_OVERFLOW)/
