import type { Request } from 'express'
import type { IncomingHttpHeaders } from 'node:http'
import {
  isEncrypted,
  type LimitedRequest,
  type ObservedRequest,
  type RequestView,
} from '../../http/index.ts'
import { patternOf } from './mounted-route.ts'

/** A request of Express, with the whole of the path that it was routed by. */
export class ExpressRequestView implements RequestView<Request>, LimitedRequest<Request> {
  readonly raw: Request
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders

  constructor(raw: Request) {
    this.raw = raw
    this.method = raw.method
    // A router that is mounted on a path has cut it off `url`; what middleware has rewritten counts as
    // rewritten, because the handler sees it so.
    this.url = raw.baseUrl + raw.url
    this.headers = raw.headers
  }

  /** As the app trusts its proxies. */
  get host(): string {
    const host: string | undefined = this.raw.host
    return host ?? ''
  }

  get socketAddress(): string | undefined {
    return this.raw.socket.remoteAddress
  }

  get query(): unknown {
    return this.raw.query
  }
}

/** The pattern is known once Express has found a route, with the path of the router that it is in. */
export class ObservedExpressRequest implements ObservedRequest {
  readonly #raw: Request

  constructor(raw: Request) {
    this.#raw = raw
  }

  get method(): string {
    return this.#raw.method
  }

  get url(): string {
    return this.#raw.originalUrl
  }

  get headers(): IncomingHttpHeaders {
    return this.#raw.headers
  }

  get socketAddress(): string | undefined {
    return this.#raw.socket.remoteAddress
  }

  get isEncrypted(): boolean {
    return isEncrypted(this.#raw.socket)
  }

  get pattern(): string | undefined {
    return patternOf(this.#raw)
  }
}
