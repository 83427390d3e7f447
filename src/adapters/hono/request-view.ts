import type { Context } from 'hono'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { isEncrypted, type LimitedRequest, type RequestView } from '../../http/index.ts'

/** What `@hono/node-server` puts into the environment; elsewhere, and in `app.request`, there is none. */
interface NodeBindings {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
}

/** The request and the response of `node:http` behind a context, where it has them. */
export function nodeBindings(context: Context): Partial<NodeBindings> {
  return (context.env ?? {}) as Partial<NodeBindings>
}

/** A request of Hono, with the whole of its path, also where its app is mounted on one. */
export class HonoRequestView implements RequestView<Context>, LimitedRequest<Context> {
  readonly raw: Context
  readonly method: string
  readonly url: string
  readonly host: string
  readonly headers: IncomingHttpHeaders

  constructor(raw: Context) {
    this.raw = raw
    this.method = raw.req.method
    const { incoming } = nodeBindings(raw)
    if (incoming?.url !== undefined && incoming.headers.host !== undefined) {
      this.url = incoming.url
      this.host = incoming.headers.host
      this.headers = incoming.headers
    } else {
      const { pathname, search, host } = new URL(raw.req.url)
      this.url = pathname + search
      this.host = host
      this.headers = raw.req.header()
    }
  }

  get socketAddress(): string | undefined {
    return nodeBindings(this.raw).incoming?.socket.remoteAddress
  }

  get isEncrypted(): boolean {
    const { incoming } = nodeBindings(this.raw)
    return incoming === undefined
      ? this.raw.req.url.startsWith('https:')
      : isEncrypted(incoming.socket)
  }

  get query(): Readonly<Record<string, readonly string[]>> {
    return this.raw.req.queries()
  }
}
