import type { IncomingHttpHeaders } from 'node:http'
import { remeasure, type Cache } from '../cache/index.ts'
import { acceptableCodings, type ContentCoding } from '../compress/index.ts'
import { bytesOf } from './answer.ts'
import { encodeLarge, encodeSmall, type ResolvedCompressOptions } from './encodings.ts'
import { addEncodings, type StoredResponse } from './stored-response.ts'
import { placeOf } from './variant-lookup.ts'

/**
 * The encoded forms of a route's stored responses. Each is made once, when the first client asks for
 * it: most responses that leave the cache have never been asked for in most codings.
 */
export class LazyForms {
  readonly #cache: Cache
  readonly #codings: readonly ContentCoding[]
  readonly #hasMemory: boolean
  /** Forms that are being made on another thread. */
  readonly #making = new WeakMap<StoredResponse, ContentCoding>()

  constructor(cache: Cache, compress: ResolvedCompressOptions | false) {
    this.#cache = cache
    this.#codings = compress === false ? [] : compress.encodings
    this.#hasMemory = cache.stats().memory !== undefined
  }

  /**
   * What is made before a response is kept: the form that the client of this very request would take,
   * as those who wait for the same response most likely will. What Redis alone keeps cannot be added
   * to later, so there all forms are made.
   */
  atOnce(headers: IncomingHttpHeaders): readonly ContentCoding[] {
    if (!this.#hasMemory) return this.#codings
    const best = this.#bestFor(headers)
    return best === undefined ? [] : [best]
  }

  /**
   * Sees to it that a stored response has the form that this client likes best. A small one is there at
   * once, a large one for the requests to come; until then they get what there is.
   */
  prepare(key: string, stored: StoredResponse, headers: IncomingHttpHeaders): void {
    if (stored.encodings === undefined || !this.#hasMemory) return
    const best = this.#bestFor(headers)
    if (best === undefined || stored.encodings[best] !== undefined) return
    if (this.#making.has(stored)) return
    const bytes = bytesOf(stored)
    const made = encodeSmall(bytes, best)
    if (made !== undefined) {
      this.#add(key, stored, best, made, headers)
      return
    }
    this.#making.set(stored, best)
    encodeLarge(bytes, best)
      .then((encoded) => this.#add(key, stored, best, encoded, headers))
      // The response as it is does as well, only larger: the next request tries again.
      .catch(() => {})
      .finally(() => this.#making.delete(stored))
  }

  #add(
    key: string,
    stored: StoredResponse,
    coding: ContentCoding,
    encoded: Buffer | false,
    headers: IncomingHttpHeaders,
  ): void {
    addEncodings(stored, { [coding]: encoded })
    const place = placeOf(this.#cache, key, stored, headers)
    if (place !== undefined) remeasure(this.#cache, place, stored)
  }

  #bestFor(headers: IncomingHttpHeaders): ContentCoding | undefined {
    const accept = headers['accept-encoding']
    if (accept === undefined) return undefined
    return acceptableCodings(accept).find((coding) => this.#codings.includes(coding))
  }
}
