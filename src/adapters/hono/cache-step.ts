import type { Context, Next } from 'hono'
import type { Clock } from '../../core/index.ts'
import {
  abandonAfterClose,
  ForwardedRequest,
  noteForwarded,
  noteFound,
  sendableBody,
  type CachedRoute,
  type Found,
  type RequestView,
} from '../../http/index.ts'
import { readBody } from './body.ts'
import { headersFrom, headersOf, headersSoFar } from './headers.ts'
import { HonoRequestView, nodeBindings } from './request-view.ts'

const done = Promise.resolve()

/** What describes a body, and goes with it where another is sent or none. */
const bodyHeaders = ['content-type', 'content-length', 'content-encoding']

// Of hits, which are sent in the form in which they were kept.
const answeredContexts = new WeakSet<Context>()

/** True for a request that the cache has answered. */
export function isAnsweredByCache(context: Context): boolean {
  return answeredContexts.has(context)
}

// Of requests whose handler is running.
const forwardedRequests = new WeakMap<Context, ForwardedRequest>()

/** Tags that a handler has learnt; nothing where the response is not going to be kept. */
export function addTags(context: Context, tags: readonly string[]): void {
  forwardedRequests.get(context)?.addTags(tags)
}

/**
 * The cache step of one route. A hit is a response like any other, made of the stored bytes, and not
 * written to the socket past Hono: middleware that sets headers behind `next` (`secureHeaders`,
 * `timing`) does so for a hit as well.
 */
export class HonoCacheStep {
  readonly #route: CachedRoute<RequestView<Context>>
  readonly #clock: Clock

  constructor(route: CachedRoute<RequestView<Context>>, clock: Clock) {
    this.#route = route
    this.#clock = clock
  }

  // Not an async function: a hit in memory makes no promise.
  take(context: Context, next: Next): Promise<void> {
    const route = this.#route
    const request = new HonoRequestView(context)
    const key = route.keyOf(request)
    if (key === undefined) return this.#run(route.bypass(request), request, next)
    const stored = route.peek(key, request)
    if (stored === undefined) return this.#enter(key, request, next)
    this.#answer(key, { stored, isCollapsed: false }, request)
    return done
  }

  async #enter(key: string, request: HonoRequestView, next: Next): Promise<void> {
    const outcome = await this.#route.enter(key, request, headersSoFar(request.raw))
    if (outcome instanceof ForwardedRequest) return this.#run(outcome, request, next)
    this.#answer(key, outcome, request)
  }

  #answer(key: string, found: Found, { raw: context, headers }: HonoRequestView): void {
    noteFound(context, found)
    const answer = this.#route.answer(key, found, headers, headersSoFar(context))
    const { status, head } = answer
    answeredContexts.add(context)
    respond(context, sendableBody(answer) ?? null, { status, headers: headersFrom(head) })
  }

  async #run(forwarded: ForwardedRequest, request: HonoRequestView, next: Next): Promise<void> {
    const context = request.raw
    noteForwarded(context, forwarded)
    forwardedRequests.set(context, forwarded)
    hideConditions(request)
    const running = next()
    const { outgoing } = nodeBindings(context)
    if (outgoing !== undefined) abandonAfterClose(outgoing, forwarded, undefined, this.#clock)
    try {
      await running
      await this.#finish(forwarded, context)
    } finally {
      // What was not finished was not answered.
      forwarded.abandon()
      forwardedRequests.delete(context)
    }
  }

  async #finish(forwarded: ForwardedRequest, context: Context): Promise<void> {
    if (!context.finalized) return
    const { status, statusText, headers, body } = context.res
    // Written to the socket by the handler itself, past Hono.
    if (headers.has('x-hono-already-sent')) return
    const answer = { status, headers: headersOf(headers) }
    if (!forwarded.mayStore) {
      const finished = forwarded.finish({ ...answer, body: null })
      for (const [name, value] of Object.entries(finished.headers)) context.header(name, value)
      return
    }
    const read = body === null ? undefined : await readBody(body, this.#route.maxBodyBytes)
    const judged = read === undefined ? '' : read.isWhole || read.isTooLarge ? read.bytes : null
    const finished = forwarded.finish({ ...answer, body: judged })
    if (finished.instead !== undefined) {
      const { status, head } = finished.instead
      const kept = new Headers(headers)
      for (const name of bodyHeaders) kept.delete(name)
      for (const [name, value] of new Headers(headersFrom(head))) kept.set(name, value)
      if (read?.isWhole === false) void read.stream.cancel().catch(() => {})
      return respond(context, sendableBody(finished.instead) ?? null, { status, headers: kept })
    }
    const changed = new Headers(headers)
    for (const [name, value] of Object.entries(finished.headers)) changed.set(name, value)
    if (finished.isNotModified) {
      if (read?.isWhole === false) void read.stream.cancel().catch(() => {})
      for (const name of bodyHeaders) changed.delete(name)
      return respond(context, null, { status: 304, headers: changed })
    }
    const sent = read === undefined ? null : read.isWhole ? read.bytes : read.stream
    respond(context, sent, { status, statusText, headers: changed })
  }
}

/** Answers in place of what is there, and not merged with it. */
function respond(
  context: Context,
  body: string | Buffer | ReadableStream | null,
  init: ResponseInit,
): void {
  context.res = undefined
  // A 204 takes no body, not even an empty one.
  const sent = body === '' ? null : body
  // A Buffer is bytes like any other; the type knows shared memory, too, which it never is here.
  context.res = new Response(sent as ConstructorParameters<typeof Response>[0], init)
}

// What the exchange has taken from the headers of Node, the handler must not see in those of the
// request either. Those cannot be asked first: they answer from Node's, as long as nobody changes
// them, and later from what came over the socket.
function hideConditions({ raw, headers }: HonoRequestView): void {
  const given = raw.req.raw.headers
  for (const name of ['if-none-match', 'if-modified-since']) {
    if (headers[name] === undefined) given.delete(name)
  }
}
