import type { Context, MiddlewareHandler } from 'hono'
import { attachExchange, type ObservedRequest, type ObserveStep } from '../../http/index.ts'
import { HonoRequestView, nodeBindings } from './request-view.ts'

/** The middleware, in an exchange that lasts until its response was sent. */
export function observed(step: ObserveStep, middleware: MiddlewareHandler): MiddlewareHandler {
  return async (context, next) => {
    const { outgoing } = nodeBindings(context)
    if (outgoing !== undefined) {
      attachExchange(context, step.open(observedRequest(context), outgoing))
      return middleware(context, next)
    }
    // Without a response of `node:http` nobody tells when the body has been sent.
    const exchange = step.openAlone(observedRequest(context), context)
    let status = 500
    try {
      const response = await middleware(context, next)
      status = (response ?? context.res).status
      const timing = step.timingOf(exchange)
      if (timing === undefined) return response
      if (response instanceof Response) response.headers.append('server-timing', timing)
      else context.header('server-timing', timing, { append: true })
      return response
    } finally {
      exchange.end(status, true)
    }
  }
}

/** The pattern is that of the handler that runs, or of the last that ran. */
export function observedRequest(context: Context): ObservedRequest {
  const view = new HonoRequestView(context)
  const { method, url, headers } = view
  return {
    method,
    url,
    headers,
    get socketAddress() {
      return view.socketAddress
    },
    get isEncrypted() {
      return view.isEncrypted
    },
    get pattern() {
      const { routePath } = context.req
      // Middleware for everything, behind which nothing was found.
      return routePath === '*' || routePath === '/*' ? undefined : routePath
    },
  }
}
