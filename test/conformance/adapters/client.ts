import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'

/** What came over the socket. */
export interface Received {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly trailers: IncomingMessage['trailers']
  readonly body: Buffer
  readonly text: string
  /** The value of `Cache-Status`. */
  readonly verdict: string | undefined
}

export interface Ask {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Asks over a connection of its own, and follows, decodes and retries nothing. */
export async function ask(port: number, options: Ask = {}): Promise<Received> {
  const response = await open(port, options).response
  const pieces: Buffer[] = []
  for await (const piece of response) pieces.push(piece as Buffer)
  const body = Buffer.concat(pieces)
  const { statusCode = 0, headers, trailers } = response
  const verdict = headers['cache-status']?.toString()
  return { status: statusCode, headers, trailers, body, text: body.toString(), verdict }
}

/** A request that the test may break off. */
export function open(
  port: number,
  { method = 'GET', path = '/page', headers = {} }: Ask = {},
): { request: ClientRequest; response: Promise<IncomingMessage> } {
  const request = httpRequest({
    host: '127.0.0.1',
    port,
    method,
    path,
    headers: { host: 'api.example', ...headers },
    agent: false,
  })
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).on('error', reject)
  })
  request.end()
  return { request, response }
}
