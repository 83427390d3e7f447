import { HotpathError, type HotpathErrorCode } from '../core/index.ts'

/** What a {@link FetchError} carries besides its message. */
export interface FetchErrorDetails {
  readonly cause?: unknown
  readonly status?: number | undefined
  readonly body?: string | undefined
  readonly retryAfterMs?: number | undefined
}

/** Why a request of {@link fetchAll} has no value. Branch on `code`, and where there is one on `status`. */
export class FetchError extends HotpathError {
  /** The status of the answer, where there was one. */
  readonly status: number | undefined
  /** The first 1,000 characters of an answer whose status was not 2xx. */
  readonly body: string | undefined
  /** How long the server asks to be left alone (`Retry-After`), in milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(code: HotpathErrorCode, message: string, details: FetchErrorDetails = {}) {
    super(code, message, 'cause' in details ? { cause: details.cause } : undefined)
    this.status = details.status
    this.body = details.body
    this.retryAfterMs = details.retryAfterMs
  }
}

export function requestInvalid(what: string, cause?: unknown): FetchError {
  return new FetchError('HOTPATH_BATCH_REQUEST_INVALID', `${what}. Nothing was sent`, { cause })
}

export function timedOut(place: string, timeoutMs: number): FetchError {
  return new FetchError(
    'HOTPATH_BATCH_TIMEOUT',
    `${place} was not answered to the end within ${timeoutMs} ms; the connection was closed. ` +
      'Raise timeoutMs only if callers can wait that long',
  )
}

export function connectionFailed(place: string, isSent: boolean, cause: unknown): FetchError {
  const what = isSent
    ? 'the connection broke before the answer was complete'
    : 'no connection could be opened, and nothing was sent'
  return new FetchError(
    'HOTPATH_BATCH_CONNECTION_FAILED',
    `${place}: ${what}: ${describe(cause)}`,
    { cause },
  )
}

export function bodyTooLarge(place: string, maxBodyBytes: number): FetchError {
  return new FetchError(
    'HOTPATH_BATCH_BODY_TOO_LARGE',
    `${place} answers with more than ${maxBodyBytes} bytes; the connection was closed. ` +
      'If such an answer is expected, raise maxBodyBytes',
  )
}

export function bodyInvalid(place: string, status: number, cause: unknown): FetchError {
  return new FetchError(
    'HOTPATH_BATCH_BODY_INVALID',
    `${place} answered ${status} with a body that could not be parsed: ${describe(cause)}`,
    { cause, status },
  )
}

export function redirectInvalid(place: string, what: string, status: number): FetchError {
  return new FetchError('HOTPATH_BATCH_REDIRECT_INVALID', `${place}: ${what}`, { status })
}

export function addressRefused(host: string, address: string): FetchError {
  return new FetchError(
    'HOTPATH_BATCH_ADDRESS_REFUSED',
    `${host === address ? host : `${host} (${address})`} is no public address, and ` +
      'publicAddressesOnly allows no other. Nothing was sent',
  )
}

function describe(cause: unknown): string {
  const { code, message } = (cause ?? {}) as { code?: unknown; message?: unknown }
  const text = typeof message === 'string' && message !== '' ? message : String(cause)
  return typeof code === 'string' && !text.includes(code) ? `${text} (${code})` : text
}
