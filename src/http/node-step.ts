import type { ServerResponse } from 'node:http'
import type { Clock } from '../core/index.ts'
import type { CachedRoute, Found } from './cached-route.ts'
import { noteForwarded, noteFound } from './exchange.ts'
import { ForwardedRequest } from './forwarded-request.ts'
import { writeAnswer } from './node-answer.ts'
import { abandonAfterClose } from './node-close.ts'
import { leaveAlone } from './node-compress.ts'
import { ResponseRecorder } from './node-recorder.ts'
import type { RequestView } from './request-view.ts'

/**
 * The cache step on a response of `node:http`: answers from the cache, or runs the handler and
 * keeps what it answers. Returns what the handler has returned.
 */
export class NodeCacheStep<Raw> {
  readonly #route: CachedRoute<RequestView<Raw>>
  readonly #clock: Clock

  constructor(route: CachedRoute<RequestView<Raw>>, clock: Clock) {
    this.#route = route
    this.#clock = clock
  }

  take(request: RequestView<Raw>, response: ServerResponse, handler: () => unknown): unknown {
    const route = this.#route
    const key = route.keyOf(request)
    if (key === undefined) return this.#run(route.bypass(request), response, handler)
    const stored = route.peek(key, request)
    if (stored !== undefined) {
      return this.#answer(key, { stored, isCollapsed: false }, request, response)
    }
    const entered = route.enter(key, request, response.getHeaders())
    if (entered instanceof ForwardedRequest) return this.#run(entered, response, handler)
    return entered.then((outcome) => this.#resume(key, outcome, request, response, handler))
  }

  #resume(
    key: string,
    outcome: Found | ForwardedRequest,
    request: RequestView<Raw>,
    response: ServerResponse,
    handler: () => unknown,
  ): unknown {
    if (response.headersSent) {
      // A time limit of the app has answered meanwhile.
      if (outcome instanceof ForwardedRequest) outcome.abandon()
      return undefined
    }
    if (outcome instanceof ForwardedRequest) return this.#run(outcome, response, handler)
    return this.#answer(key, outcome, request, response)
  }

  #answer(key: string, found: Found, request: RequestView<Raw>, response: ServerResponse): void {
    const { method, headers } = request
    noteFound(response, found)
    const answer = this.#route.answer(key, found, headers, response.getHeaders())
    leaveAlone(response)
    writeAnswer(response, method, answer)
  }

  #run(forwarded: ForwardedRequest, response: ServerResponse, handler: () => unknown): unknown {
    noteForwarded(response, forwarded)
    void new ResponseRecorder(response, forwarded, this.#route.maxBodyBytes)
    let result: unknown
    try {
      result = handler()
    } catch (error) {
      fail(forwarded)
      throw error
    }
    abandonAfterClose(response, forwarded, result, this.#clock)
    if (!(result instanceof Promise)) return result
    return result.catch((error: unknown) => {
      fail(forwarded)
      throw error
    })
  }
}

// What the app answers to the error may still be replaced by what is stored; without that, those who
// wait are not kept waiting for it.
function fail(forwarded: ForwardedRequest): void {
  if (!forwarded.fail()) forwarded.abandon()
}
