import type { IncomingHttpHeaders } from 'node:http'
import { acceptableCodings } from '../compress/index.ts'
import type { ReadyAnswer } from './answer.ts'
import { cacheStatus, type Forward } from './cache-status.ts'
import { isUnmodifiedSince, matchesEntityTag } from './conditional.ts'
import { encodedEtag } from './encodings.ts'
import type { Fill, FillOutcome, KeptAnswer } from './fill.ts'
import type { ResponseHeaders } from './header-rules.ts'
import type { AnswerToJudge } from './storable.ts'
import { withAcceptEncoding, type StoredResponse } from './stored-response.ts'

/** What the adapter adds to a handler's answer. */
export interface FinishedAnswer {
  /**
   * Headers to set, in place of those of the same name: `cache-status`, and of a stored response its
   * `etag` and `vary`.
   */
  readonly headers: Readonly<Record<string, string>>
  /** The client has these bytes: a 304 without a body says the same. */
  readonly isNotModified: boolean
  /**
   * What to send in place of a failure: the stored response that the handler was to replace. Its
   * headers replace those of the same name, and those about the body of the failure go.
   */
  readonly instead: ReadyAnswer | undefined
}

/** A request on its way to its handler; made by `CachedRoute.enter` and `bypass`. */
export class ForwardedRequest {
  readonly #forward: Forward
  readonly #fill: Fill | undefined
  readonly #conditions: Conditions
  readonly #acceptEncoding: string | undefined
  #fallback: StoredResponse | undefined = undefined
  readonly #onFinish: (isStored: boolean) => void
  #isOver = false

  constructor(
    forward: Forward,
    headers: IncomingHttpHeaders,
    fill: Fill | undefined,
    onFinish: (isStored: boolean) => void,
  ) {
    this.#forward = forward
    this.#fill = fill
    this.#onFinish = onFinish
    this.#acceptEncoding = headers['accept-encoding']?.toString()
    this.#conditions = fill === undefined ? {} : takeConditions(headers)
  }

  /** It goes past the cache, which has no say in it. */
  get isBypass(): boolean {
    return this.#forward === 'bypass'
  }

  /** An answer that might be kept is still to come. Where it is false, no body need be gathered. */
  get mayStore(): boolean {
    return this.#fill !== undefined && !this.#isOver
  }

  /** The handler has answered. */
  finish(answer: AnswerToJudge): FinishedAnswer {
    this.#isOver = true
    const { headers } = answer
    const instead = this.#insteadOf(answer.status)
    if (instead !== undefined) {
      this.#onFinish(false)
      return { headers: {}, isNotModified: false, instead }
    }
    const outcome = this.#fill?.settle(answer)
    const kept = outcome !== undefined && 'stored' in outcome ? outcome : undefined
    this.#onFinish(kept !== undefined)
    const set: Record<string, string> = { 'cache-status': this.#verdict(outcome, headers) }
    const etag = this.#etagFor(kept, headers)
    if (kept !== undefined) {
      if (etag !== undefined) set['etag'] = etag
      if (kept.isNegotiated) set['vary'] = withAcceptEncoding(headers['vary'])
    }
    const isNotModified = this.#isNotModified(answer, etag)
    return { headers: set, isNotModified, instead: undefined }
  }

  /** Tags that the handler has learnt from what it answers; before `finish`. */
  addTags(tags: readonly string[]): void {
    this.#fill?.addTags(tags)
  }

  /**
   * The handler has failed. True where there is a stored response to send instead: what the app
   * answers to the failure still comes to {@link ForwardedRequest.finish}.
   */
  fail(): boolean {
    this.#fallback ??= this.#fill?.fail()
    return this.#fallback !== undefined
  }

  /** There will be no answer: those who wait for it are sent on. */
  abandon(): void {
    this.#isOver = true
    this.#fill?.abandon()
  }

  #insteadOf(status: number): ReadyAnswer | undefined {
    if (status < 500 || !this.fail() || this.#fallback === undefined) return undefined
    return this.#fill?.answerFrom(this.#fallback, status, {
      'accept-encoding': this.#acceptEncoding,
      'if-none-match': this.#conditions.ifNoneMatch,
      'if-modified-since': this.#conditions.ifModifiedSince,
    })
  }

  #verdict(outcome: FillOutcome | undefined, headers: ResponseHeaders): string {
    return cacheStatus(
      {
        forward: this.#forward,
        isStored: outcome !== undefined && 'stored' in outcome,
        detail: outcome !== undefined && 'reason' in outcome ? outcome.reason : undefined,
      },
      headers['cache-status'],
    )
  }

  /**
   * The tag of what the client is sent. This answer goes out as the handler has made it; but a client
   * that has the encoded bytes already, from an earlier hit, is told so.
   */
  #etagFor(kept: KeptAnswer | undefined, headers: ResponseHeaders): string | undefined {
    if (kept === undefined) return headerText(headers['etag'])
    const { etag } = kept.stored
    const { ifNoneMatch } = this.#conditions
    if (!kept.isNegotiated || ifNoneMatch === undefined) return etag
    const known = acceptableCodings(this.#acceptEncoding)
      .map((coding) => encodedEtag(etag, coding))
      .find((one) => matchesEntityTag(ifNoneMatch, one))
    return known ?? etag
  }

  // Where there is an If-None-Match, If-Modified-Since does not count (RFC 9110, 13.1.3).
  #isNotModified({ status, headers }: AnswerToJudge, etag: string | undefined): boolean {
    if (status !== 200) return false
    const { ifNoneMatch, ifModifiedSince } = this.#conditions
    if (ifNoneMatch !== undefined) return etag !== undefined && matchesEntityTag(ifNoneMatch, etag)
    if (ifModifiedSince === undefined) return false
    return isUnmodifiedSince(ifModifiedSince, headerText(headers['last-modified']))
  }
}

interface Conditions {
  readonly ifNoneMatch?: string | undefined
  readonly ifModifiedSince?: string | undefined
}

// The handler is asked for the whole response, as by any cache that has none; whether the client has
// it already is seen when it is there. A 304 could not be stored, nor could a part.
function takeConditions(headers: IncomingHttpHeaders): Conditions {
  const taken = {
    ifNoneMatch: headers['if-none-match'],
    ifModifiedSince: headers['if-modified-since'],
  }
  // Most requests have none, and to delete is slow also where there is nothing.
  if (taken.ifNoneMatch !== undefined) delete headers['if-none-match']
  if (taken.ifModifiedSince !== undefined) delete headers['if-modified-since']
  return taken
}

function headerText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
