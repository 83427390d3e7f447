import type { Context } from 'hono'
import { refusalAnswer, releaseOnClose, type ShedStep } from '../../http/index.ts'
import { headersFrom } from './headers.ts'
import { HonoRequestView, nodeBindings } from './request-view.ts'

/** Runs `work` where there is room for the request, or answers it. */
export async function shedLoad(
  step: ShedStep,
  context: Context,
  work: () => Promise<Response | void>,
): Promise<Response | void> {
  const request = new HonoRequestView(context)
  const admission = step.admit(request)
  if (admission?.isAdmitted === false) {
    const { status, head, body } = refusalAnswer(admission)
    const sent = request.method === 'HEAD' ? null : (body ?? '').toString()
    return new Response(sent, { status, headers: headersFrom(head) })
  }
  const { outgoing } = nodeBindings(context)
  if (admission === undefined || outgoing !== undefined) {
    if (admission !== undefined && outgoing !== undefined) releaseOnClose(admission, outgoing)
    return await work()
  }
  // Without a response of `node:http` nobody tells when the body has been sent.
  let isWell = false
  try {
    const response = await work()
    isWell = (response ?? context.res).status < 500
    return response
  } finally {
    admission.release(isWell ? 'completed' : 'failed')
  }
}
