import type { Context, MiddlewareHandler } from 'hono'
import type { ServerResponse } from 'node:http'
import type { LimitStep, LimitVerdict } from '../../http/index.ts'
import { headersFrom } from './headers.ts'
import { HonoRequestView, nodeBindings } from './request-view.ts'

/** Middleware that lets through what the limit lets through. */
export function limitMiddleware(step: LimitStep<Context>): MiddlewareHandler {
  return async (context, next) => {
    const request = new HonoRequestView(context)
    const judged = step.judge(request)
    const verdict: LimitVerdict = judged instanceof Promise ? await judged : judged
    if (verdict.refusal === undefined) {
      const { head } = verdict
      const { outgoing } = nodeBindings(context)
      if (outgoing !== undefined) {
        setOnNode(outgoing, head)
        await next()
        return undefined
      }
      setHeaders(context, head)
      await next()
      // A response of the handler's own making knows nothing of headers that were set before.
      if (head[0] !== undefined && !context.res.headers.has(head[0])) setHeaders(context, head)
      return undefined
    }
    const { status, head, body } = verdict.refusal
    const sent = request.method === 'HEAD' ? null : ((body ?? null)?.toString() ?? null)
    return new Response(sent, { status, headers: headersFrom(head) })
  }
}

// Whatever response comes, these are sent with it. To look into the headers of the light response that
// `@hono/node-server` makes would cost more than all else here.
function setOnNode(outgoing: ServerResponse, head: readonly string[]): void {
  if (outgoing.headersSent) return
  for (let at = 0; at < head.length; at += 2) outgoing.setHeader(head[at] ?? '', head[at + 1] ?? '')
}

function setHeaders(context: Context, head: readonly string[]): void {
  for (let at = 0; at < head.length; at += 2) context.header(head[at] ?? '', head[at + 1])
}
