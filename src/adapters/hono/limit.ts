import type { Context, MiddlewareHandler } from 'hono'
import type { LimitStep, LimitVerdict } from '../../http/index.ts'
import { headersFrom } from './headers.ts'
import { HonoRequestView } from './request-view.ts'

/** Middleware that lets through what the limit lets through. */
export function limitMiddleware(step: LimitStep<Context>): MiddlewareHandler {
  return async (context, next) => {
    const request = new HonoRequestView(context)
    const judged = step.judge(request)
    const verdict: LimitVerdict = judged instanceof Promise ? await judged : judged
    if (verdict.refusal === undefined) {
      await next()
      // Behind the handler: a response of its own making knows nothing of headers that were set before.
      const { head } = verdict
      for (let at = 0; at < head.length; at += 2) context.header(head[at] ?? '', head[at + 1])
      return undefined
    }
    const { status, head, body } = verdict.refusal
    const sent = request.method === 'HEAD' ? null : ((body ?? null)?.toString() ?? null)
    return new Response(sent, { status, headers: headersFrom(head) })
  }
}
