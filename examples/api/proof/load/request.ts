/** One request of a load, as it travels to the process that sends it. */
export interface LoadRequest {
  readonly method: 'GET' | 'PATCH' | 'POST'
  readonly path: string
  /** JSON, sent with `content-type: application/json`. */
  readonly body?: string | undefined
  /** The route that it is for, by which an open loop sorts its latencies. */
  readonly route?: string | undefined
  /** Beside those that HTTP and the body need; names in lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** The bytes of a request to a local port, on a kept-alive HTTP/1.1 connection. */
export function requestBytes(port: number, request: LoadRequest): Buffer {
  const own = Object.entries(request.headers ?? {}).map((pair) => `${pair.join(': ')}\r\n`)
  const head = `${request.method} ${request.path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${own.join('')}`
  if (request.body === undefined) return Buffer.from(`${head}\r\n`)
  const length = Buffer.byteLength(request.body)
  const entity = `Content-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`
  return Buffer.from(head + entity + request.body)
}

/** The answers that a load expects; it asks for nothing that is missing or wrong. */
export function isExpected(statusCode: number): boolean {
  return statusCode >= 200 && statusCode < 300
}
