import type { Context } from 'hono'
import { Readable } from 'node:stream'
import type { ReadableStream as NodeReadableStream } from 'node:stream/web'
import { weakened, type CompressStep } from '../../http/index.ts'
import { readBody } from './body.ts'
import { isAnsweredByCache } from './cache-step.ts'
import { headersOf } from './headers.ts'
import { HonoRequestView } from './request-view.ts'

/** Larger bodies are compressed as they come, without a length. */
const maxWholeBytes = 4 * 1_024 * 1_024

/** Puts a compressed response in the place of the one that the app has made. */
export async function compressResponse(step: CompressStep, context: Context): Promise<void> {
  const { status, headers, body } = context.res
  if (headers.has('x-hono-already-sent') || isAnsweredByCache(context)) return
  const request = new HonoRequestView(context)
  const isHead = request.method === 'HEAD'
  const given = headers.has('content-length') ? Number(headers.get('content-length')) : undefined
  const planFor = (byteLength: number | undefined) =>
    step.plan(
      { method: request.method, status, headers: headersOf(headers), byteLength },
      request.headers,
    )
  // Asked first: what is not going to be compressed is not read.
  const first = planFor(given)
  if (first.vary === undefined && first.coding === undefined) return
  if (body === null) {
    // A HEAD, of which Hono sends no body: as a GET would be sent, but for the length.
    if (isHead) replace(context, null, first.vary, first.coding)
    return
  }
  const read = await readBody(body, maxWholeBytes)
  const whole = read.isWhole ? read.bytes : undefined
  const { vary, coding } = planFor(whole?.length)
  if (coding === undefined) {
    return replace(context, whole ?? (read.isWhole ? null : read.stream), vary, undefined)
  }
  if (isHead) return replace(context, null, vary, coding)
  if (whole !== undefined) {
    const encoded = await encodedOrPlain(step, whole, coding, request)
    return replace(context, encoded ?? whole, vary, encoded === undefined ? undefined : coding)
  }
  if (read.isWhole) return
  const encoder = step.compressor.createStream(coding)
  const source = Readable.fromWeb(read.stream as NodeReadableStream)
  // Whichever ends first ends the other; the reader of the response is told of a failure.
  source.on('error', (error) => encoder.destroy(error)).pipe(encoder)
  encoder.once('close', () => source.destroy())
  encoder.on('error', () => {})
  replace(context, Readable.toWeb(encoder) as ReadableStream, vary, coding)
}

async function encodedOrPlain(
  step: CompressStep,
  whole: Buffer,
  coding: NonNullable<ReturnType<CompressStep['plan']>['coding']>,
  request: HonoRequestView,
): Promise<Buffer | undefined> {
  try {
    return await step.compressor.encode(whole, coding, request.raw.req.raw.signal)
  } catch {
    return undefined
  }
}

function replace(
  context: Context,
  body: Buffer | ReadableStream | null,
  vary: string | undefined,
  coding: string | undefined,
): void {
  const { status, statusText, headers } = context.res
  const changed = new Headers(headers)
  if (vary !== undefined) changed.set('vary', vary)
  if (coding !== undefined) {
    changed.set('content-encoding', coding)
    changed.delete('accept-ranges')
    changed.delete('content-length')
    const etag = weakened(headers.get('etag') ?? undefined)
    if (etag !== undefined) changed.set('etag', etag)
  }
  if (Buffer.isBuffer(body)) changed.set('content-length', String(body.length))
  context.res = undefined
  // A Buffer is bytes like any other; the type knows shared memory, too, which it never is here.
  context.res = new Response(body as ConstructorParameters<typeof Response>[0], {
    status,
    statusText,
    headers: changed,
  })
}
