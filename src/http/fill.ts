import type { IncomingHttpHeaders } from 'node:http'
import type { LoadContext } from '../cache/index.ts'
import type { Clock } from '../core/index.ts'
import type { ResponseHeaders } from './header-rules.ts'
import type { StoringRules } from './route-options.ts'
import { storability, type AnswerToJudge } from './storable.ts'
import { etagOf, storeResponse, type StoredResponse } from './stored-response.ts'

/** What became of a handler's answer: it is kept, or for this reason it is not. */
export type FillOutcome = { readonly stored: StoredResponse } | { readonly reason: string }

/** What a {@link Fill} knows when the handler begins. */
export interface FillStart {
  readonly context: LoadContext
  readonly request: { readonly headers: IncomingHttpHeaders }
  /** The headers that the app's hooks had set by then. */
  readonly inherited: ResponseHeaders
  readonly rules: StoringRules
  readonly clock: Clock
}

/**
 * The right and the duty to fill a gap in the cache: given to the one request whose handler runs
 * while others wait. It ends with `settle` or `abandon`; what comes after the first of them is
 * ignored.
 */
export class Fill {
  readonly #start: FillStart
  #isOver = false
  readonly #outcome = Promise.withResolvers<StoredResponse | undefined>()

  constructor(start: FillStart) {
    this.#start = start
  }

  /** The stored response; `undefined` when there is none to share. */
  get outcome(): Promise<StoredResponse | undefined> {
    return this.#outcome.promise
  }

  /** The handler has answered. */
  settle(answer: AnswerToJudge): FillOutcome {
    if (this.#isOver) return { reason: 'abandoned' }
    const { context, request, inherited, rules, clock } = this.#start
    const nowEpochMs = clock.epochMs()
    const judged = storability(answer, inherited, request, rules, nowEpochMs)
    if ('reason' in judged) return this.#refuse(judged.reason)
    // Somebody wrote what the handler has read: its answer is for this request alone.
    if (!context.isCurrent) return this.#refuse('invalidated')

    const { status, headers } = answer
    const { body, vary, ttlMs } = judged
    const given = headers['etag']
    const etag = typeof given === 'string' ? given : etagOf(body)
    const stored = storeResponse({ status, headers, body }, etag, inherited, vary, nowEpochMs)
    this.#isOver = true
    context.ttlMs = ttlMs
    this.#outcome.resolve(stored)
    return { stored }
  }

  /** Tags that the handler has learnt from what it answers. */
  addTags(tags: readonly string[]): void {
    if (!this.#isOver) this.#start.context.addTags(tags)
  }

  /** There will be no answer that could be kept. */
  abandon(): void {
    if (!this.#isOver) this.#refuse('abandoned')
  }

  #refuse(reason: string): FillOutcome {
    this.#isOver = true
    this.#start.context.ttlMs = false
    this.#outcome.resolve(undefined)
    return { reason }
  }
}
