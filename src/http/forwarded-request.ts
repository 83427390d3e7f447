import type { IncomingHttpHeaders } from 'node:http'
import { cacheStatus, type Forward } from './cache-status.ts'
import { matchesEntityTag } from './conditional.ts'
import type { Fill } from './fill.ts'
import type { AnswerToJudge } from './storable.ts'

/** What the adapter adds to a handler's answer. */
export interface FinishedAnswer {
  /** Headers to set, in place of those of the same name: `cache-status`, and the stored `etag`. */
  readonly headers: Readonly<Record<string, string>>
  /** The client has these bytes: a 304 without a body says the same. */
  readonly isNotModified: boolean
}

/** A request on its way to its handler; made by `CachedRoute.enter` and `bypass`. */
export class ForwardedRequest {
  readonly #forward: Forward
  readonly #fill: Fill | undefined
  readonly #ifNoneMatch: string | undefined
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
    if (fill !== undefined) {
      // The handler is asked for the whole response, as by any cache that has none; whether the
      // client has it already is seen when it is there. A 304 could not be stored.
      this.#ifNoneMatch = headers['if-none-match']
      delete headers['if-none-match']
    }
  }

  /** An answer that might be kept is still to come. Where it is false, no body need be gathered. */
  get mayStore(): boolean {
    return this.#fill !== undefined && !this.#isOver
  }

  /** The handler has answered. */
  finish(answer: AnswerToJudge): FinishedAnswer {
    this.#isOver = true
    const { status, headers } = answer
    const outcome = this.#fill?.settle(answer)
    const stored = outcome !== undefined && 'stored' in outcome ? outcome.stored : undefined
    this.#onFinish(stored !== undefined)
    const etag = stored?.etag ?? headerText(headers['etag'])
    const verdict = cacheStatus(
      {
        forward: this.#forward,
        isStored: stored !== undefined,
        detail: outcome !== undefined && 'reason' in outcome ? outcome.reason : undefined,
      },
      headers['cache-status'],
    )
    return {
      headers:
        stored === undefined
          ? { 'cache-status': verdict }
          : { 'cache-status': verdict, etag: stored.etag },
      isNotModified:
        status === 200 &&
        etag !== undefined &&
        this.#ifNoneMatch !== undefined &&
        matchesEntityTag(this.#ifNoneMatch, etag),
    }
  }

  /** Tags that the handler has learnt from what it answers; before `finish`. */
  addTags(tags: readonly string[]): void {
    this.#fill?.addTags(tags)
  }

  /** There will be no answer: those who wait for it are sent on. */
  abandon(): void {
    this.#isOver = true
    this.#fill?.abandon()
  }
}

function headerText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
