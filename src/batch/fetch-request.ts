import { requestInvalid } from './fetch-error.ts'

/** A request for {@link fetchAll}; an address alone is a GET. */
export interface FetchRequest {
  readonly url: string | URL
  /** @defaultValue 'GET' */
  readonly method?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Kept until the answer is there, so that it can be sent again. */
  readonly body?: string | Uint8Array | undefined
}

/** What {@link fetchAll} takes: an address, or a request with more to it. */
export type FetchInput = string | URL | FetchRequest

/** A request as it goes out; a redirect makes another one of it. */
export interface Target {
  readonly method: string
  readonly url: URL
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | undefined
}

/** @throws FetchError HOTPATH_BATCH_REQUEST_INVALID */
export function resolveRequest(input: FetchInput): Target {
  if (typeof input === 'string' || input instanceof URL) {
    return { method: 'GET', url: parseUrl(input), headers: defaultHeaders, body: undefined }
  }
  if (typeof input !== 'object' || input === null || !('url' in input)) {
    throw requestInvalid(
      `A request must be an address or an object with a url, not ${typeof input}`,
    )
  }
  const { method = 'GET', headers, body } = input
  if (typeof method !== 'string') throw requestInvalid('The method of a request must be a string')
  if (body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array)) {
    throw requestInvalid(
      'The body of a request must be a string or bytes: it may have to be sent twice',
    )
  }
  return {
    method: method.toUpperCase(),
    url: parseUrl(input.url),
    headers: headers === undefined ? defaultHeaders : withLowerCaseNames(headers),
    body,
  }
}

/** Where a request goes, without the query, which may hold what no log should. */
export function placeOf({ url }: Target): string {
  return url.origin + url.pathname
}

// Some servers refuse a request that does not say who asks.
const defaultHeaders: Readonly<Record<string, string>> = { 'user-agent': 'hotpath' }

function withLowerCaseNames(headers: Readonly<Record<string, string>>): Record<string, string> {
  const result: Record<string, string> = { ...defaultHeaders }
  for (const [name, value] of Object.entries(headers)) result[name.toLowerCase()] = value
  return result
}

function parseUrl(text: string | URL): URL {
  const url = text instanceof URL ? text : URL.parse(text)
  if (url === null) throw requestInvalid(`${JSON.stringify(text)} is no URL`)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw requestInvalid(`Only http: and https: can be fetched, not ${url.protocol}`)
  }
  if (url.username !== '' || url.password !== '') {
    throw requestInvalid(
      `The URL for ${url.host} holds a user name or password: send an Authorization header instead`,
    )
  }
  return url
}
