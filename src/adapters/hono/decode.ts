import type { Context, Next } from 'hono'
import { Readable } from 'node:stream'
import { bodyAnswer, describeDecoded, RequestBodyError, type DecodeStep } from '../../http/index.ts'
import { headersFrom } from './headers.ts'
import { nodeBindings } from './request-view.ts'

/** Runs `next` with a request whose body is decoded, or answers it. */
export async function decodeBody(step: DecodeStep, context: Context, next: Next): Promise<void> {
  const { raw } = context.req
  const headers = Object.fromEntries(raw.headers)
  const plan = raw.bodyUsed ? undefined : step.plan(headers)
  if (plan === undefined || raw.body === null) return next()
  if (plan.refusal !== undefined) return answer(context, plan.refusal)
  const { decoder } = plan
  let refused: RequestBodyError | undefined
  const source = Readable.fromWeb(raw.body)
  source.on('error', (error) => decoder.destroy(error)).pipe(decoder)
  decoder.on('error', (error) => {
    if (error instanceof RequestBodyError) refused = error
    // The rest of it is in the way of the next request.
    source.resume()
  })
  nodeBindings(context).outgoing?.once('close', () => decoder.destroy())
  describeDecoded(headers)
  context.req.raw = new Request(raw.url, {
    method: raw.method,
    headers: headers as Record<string, string>,
    body: Readable.toWeb(decoder) as ReadableStream,
    signal: raw.signal,
    duplex: 'half',
  })
  await next()
  // Whatever the handler, or a validator, has made of the error.
  if (refused !== undefined) answer(context, bodyAnswer(refused))
}

// Beside the headers that others have set, those of CORS for instance.
function answer(context: Context, { status, head, body }: ReturnType<typeof bodyAnswer>): void {
  const headers = new Headers(context.res.headers)
  for (const name of ['content-encoding', 'etag', 'transfer-encoding']) headers.delete(name)
  for (const [name, value] of new Headers(headersFrom(head))) headers.set(name, value)
  context.res = undefined
  context.res = new Response(body?.toString() ?? null, { status, headers })
}
