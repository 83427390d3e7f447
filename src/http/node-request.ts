import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { LimitedRequest } from './limit-step.ts'
import type { RequestView } from './request-view.ts'

/** A request of `node:http`, which has neither a host nor a query of its own. */
export class NodeRequestView<Raw extends IncomingMessage>
  implements RequestView<Raw>, LimitedRequest<Raw>
{
  readonly raw: Raw
  readonly method: string
  readonly url: string
  readonly host: string
  readonly headers: IncomingHttpHeaders

  constructor(raw: Raw) {
    this.raw = raw
    this.method = raw.method ?? 'GET'
    this.url = raw.url ?? '/'
    this.headers = raw.headers
    this.host = raw.headers.host ?? ''
  }

  get socketAddress(): string | undefined {
    return this.raw.socket.remoteAddress
  }

  /** Each parameter with all its values, as `URLSearchParams` reads them. */
  get query(): Readonly<Record<string, readonly string[]>> {
    const queryAt = this.url.indexOf('?')
    const parameters = new URLSearchParams(queryAt === -1 ? '' : this.url.slice(queryAt + 1))
    return Object.fromEntries(
      [...new Set(parameters.keys())].map((name) => [name, parameters.getAll(name)]),
    )
  }
}
