import type { IncomingHttpHeaders } from 'node:http'
import type { LoadContext } from '../cache/index.ts'
import type { ContentCoding } from '../compress/index.ts'
import type { Clock } from '../core/index.ts'
import { answerFrom, type ReadyAnswer } from './answer.ts'
import { failedStatus } from './cache-status.ts'
import { encodeBody, isCompressible } from './encodings.ts'
import type { ResponseHeaders } from './header-rules.ts'
import type { LazyForms } from './lazy-forms.ts'
import type { StoringRules } from './route-options.ts'
import { storability, type AnswerToJudge } from './storable.ts'
import { addEncodings, storeResponse, type StoredResponse } from './stored-response.ts'
import { variesAlike } from './variants.ts'

/** What became of a handler's answer: it is kept, or for this reason it is not. */
export type FillOutcome = KeptAnswer | { readonly reason: string }

/** A handler's answer that is kept. */
export interface KeptAnswer {
  readonly stored: StoredResponse
  /** It may be kept in other codings too; see `StoredResponse.encodings`. */
  readonly isNegotiated: boolean
}

/** What a {@link Fill} knows when the handler begins. */
export interface FillStart {
  readonly context: LoadContext
  readonly request: { readonly headers: IncomingHttpHeaders }
  /** The headers that the app's hooks had set by then. */
  readonly inherited: ResponseHeaders
  readonly rules: StoringRules
  readonly forms: LazyForms
  readonly clock: Clock
  /** Forgets what the answer was to replace. */
  readonly forget: () => void
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
    const { context, request, inherited, rules, forms, clock, forget } = this.#start
    const nowEpochMs = clock.epochMs()
    const judged = storability(answer, inherited, request, rules, nowEpochMs)
    if ('reason' in judged) {
      // The handler has said what there is now, and that it is not to be kept: what was there before
      // is no longer an answer to anybody.
      if (context.fallback !== undefined && answer.status < 500) forget()
      return this.#refuse(judged.reason)
    }
    // Somebody wrote what the handler has read: its answer is for this request alone.
    if (!context.isCurrent) return this.#refuse('invalidated')

    const { compress } = rules
    const { status } = answer
    const { body, headers, isNoTransform } = judged
    const isNegotiated =
      compress !== false &&
      isCompressible(
        { status, headers, bodyBytes: Buffer.byteLength(body), isNoTransform },
        compress,
      )
    const given = headers['etag']
    const etag = typeof given === 'string' ? given : undefined
    const stored = storeResponse({ status, ...judged, etag, isNegotiated }, inherited, nowEpochMs)
    this.#isOver = true
    context.ttlMs = judged.ttlMs
    context.staleMs = judged.staleMs
    context.staleIfErrorMs = judged.staleIfErrorMs
    const codings = isNegotiated ? forms.atOnce(request.headers) : []
    this.#outcome.resolve(codings.length > 0 ? encoded(stored, body, codings) : stored)
    return { stored, isNegotiated }
  }

  /**
   * The handler has failed. Those who wait are given the response that its answer was to replace,
   * where there is one that may still be served: this is it.
   */
  fail(): StoredResponse | undefined {
    if (this.#isOver) return undefined
    const fallback = this.#start.context.fallback as StoredResponse | undefined
    if (fallback === undefined) return undefined
    this.#isOver = true
    this.#outcome.reject(new Error('the handler of a cached route failed'))
    return fallback
  }

  /** What the one whose handler has failed with `status` is sent instead of that. */
  answerFrom(
    fallback: StoredResponse,
    status: number,
    conditions: IncomingHttpHeaders,
  ): ReadyAnswer | undefined {
    const { request, clock, rules } = this.#start
    if (!variesAlike(fallback.vary, request.headers)) return undefined
    const padding = rules.compress !== false && rules.compress.breachPaddingBytes
    return answerFrom(fallback, conditions, {}, clock.epochMs(), failedStatus(status), padding)
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

// Those who wait for the answer wait for its encoded forms too: they are about to ask for them.
// Without them the response is as good, only larger.
async function encoded(
  stored: StoredResponse,
  body: string | Buffer,
  codings: readonly ContentCoding[],
): Promise<StoredResponse> {
  try {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    addEncodings(stored, await encodeBody(bytes, codings))
  } catch {
    // Whoever asks next for one of them has it made.
  }
  return stored
}
