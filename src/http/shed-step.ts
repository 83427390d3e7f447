import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { invalid } from '../core/index.ts'
import {
  createShedder,
  type Permit,
  type Priority,
  type Refusal,
  type Shedder,
  type ShedderOptions,
} from '../limit/index.ts'
import type { ReadyAnswer } from './answer.ts'
import { writeAnswer } from './node-answer.ts'

/** What is known of a request before anything else has looked at it. */
export interface ShedRequest {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

/** How an adapter sheds load. */
export interface ShedOptions extends ShedderOptions {
  /**
   * Requests that are always admitted and not counted: paths, as they are asked for, or a function.
   * Without them an orchestrator would end a process for being busy.
   *
   * @defaultValue ['/health', '/healthz', '/livez', '/readyz']
   */
  exempt?: readonly string[] | ((request: ShedRequest) => boolean) | undefined
  /**
   * How much a request matters.
   *
   * @defaultValue all are 'normal'
   */
  priority?: ((request: ShedRequest) => Priority) | undefined
}

const healthPaths = ['/health', '/healthz', '/livez', '/readyz']

/** Admits requests, or has the answer for those that are refused. */
export class ShedStep {
  readonly shedder: Shedder
  readonly #isExempt: (request: ShedRequest) => boolean
  readonly #priorityOf: ((request: ShedRequest) => Priority) | undefined

  /** @throws HotpathError HOTPATH_OPTION_INVALID */
  constructor({ exempt = healthPaths, priority, ...options }: ShedOptions) {
    this.#isExempt = typeof exempt === 'function' ? exempt : isOneOf(exempt)
    if (priority !== undefined && typeof priority !== 'function') {
      invalid('shed.priority', 'a function of the request', priority)
    }
    this.#priorityOf = priority
    this.shedder = createShedder(options)
  }

  /** Nothing for a request that is exempt. */
  admit(request: ShedRequest): Permit | Refusal | undefined {
    if (this.#isExempt(request)) return undefined
    return this.shedder.admit(this.#priorityOf?.(request))
  }

  /**
   * The same on a response of `node:http`: where it is true the request goes on, and gives its
   * permit back when the response has been sent or its connection was closed. Where it is false it
   * has been answered.
   */
  lets(request: ShedRequest, response: ServerResponse): boolean {
    const admission = this.admit(request)
    if (admission?.isAdmitted !== false) {
      if (admission !== undefined) releaseOnClose(admission, response)
      return true
    }
    writeAnswer(response, request.method, refusalAnswer(admission))
    return false
  }

  async close(): Promise<void> {
    await this.shedder.close()
  }
}

/** The permit of a response that a server of `node:http` sends. */
export function releaseOnClose(permit: Permit, response: ServerResponse): void {
  response.once('close', () => {
    if (!response.writableFinished) permit.release('aborted')
    else permit.release(response.statusCode >= 500 ? 'failed' : 'completed')
  })
}

// Draft of the RateLimit header fields, section 5.2; the form is that of RFC 9457.
const body = JSON.stringify({
  type: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
  title: 'Request cannot be satisfied due to temporary server capacity constraints',
  status: 503,
})
const answers = new Map<number, ReadyAnswer>()

/** What a refused client gets. Made once for each `Retry-After`: refusing has to be cheap. */
export function refusalAnswer({ retryAfterMs }: Refusal): ReadyAnswer {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1_000))
  const ready = answers.get(seconds)
  if (ready !== undefined) return ready
  const head = ['content-type', 'application/problem+json', 'content-length', String(body.length)]
  const made = { status: 503, head: [...head, 'retry-after', String(seconds)], body }
  answers.set(seconds, made)
  return made
}

function isOneOf(paths: readonly string[]): (request: ShedRequest) => boolean {
  const exempt = new Set(paths)
  return ({ url }) => {
    const queryAt = url.indexOf('?')
    return exempt.has(queryAt === -1 ? url : url.slice(0, queryAt))
  }
}
