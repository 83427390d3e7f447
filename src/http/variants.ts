import { hash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { canonicalAccept } from '../compress/index.ts'

/**
 * The request headers that a response's `Vary` names, with the values that it answers. The first
 * response of a key says by what the others are told apart, and they are kept beside it. `null` is a
 * header that was not sent, which may mean something else than an empty one (RFC 9110, 12.5.3).
 */
export type VaryValues = readonly (readonly [name: string, value: string | null])[]

/** What a request sends in the headers that `Vary` names, in lower case. */
export function varyValues(
  names: readonly string[],
  headers: IncomingHttpHeaders,
): VaryValues | undefined {
  return names.length === 0 ? undefined : names.map((name) => [name, valueOf(name, headers)])
}

/** True when the response was made for a request with these headers, as far as `Vary` goes. */
export function variesAlike(vary: VaryValues | undefined, headers: IncomingHttpHeaders): boolean {
  if (vary === undefined) return true
  for (const [name, value] of vary) if (valueOf(name, headers) !== value) return false
  return true
}

/** Where the response to a request with these headers stands, beside one that varies from it. */
export function variantKey(key: string, vary: VaryValues, headers: IncomingHttpHeaders): string {
  const values = vary.map(([name]) => named(name, valueOf(name, headers))).join('\n')
  const short =
    values.length <= maxPlainLength && values.isWellFormed()
      ? values
      : hash('sha256', values, 'base64url')
  return `http-vary:${short}\n${key}`
}

function named(name: string, value: string | null): string {
  return value === null ? name : `${name}=${value}`
}

/** Longer values are hashed, so that a key keeps within what the cache takes. */
const maxPlainLength = 64
/** What a variant's key has before that of the first response; see `requestKey`. */
export const variantPrefixLength: number = 'http-vary:'.length + maxPlainLength + 1

/** Variants of one key beside the first: one client cannot fill the cache by inventing languages. */
const maxVariants = 16
const maxBookKeys = 1_000

/** Which variants this process keeps of which key. */
export class VariantBook {
  readonly #byKey = new Map<string, Set<string>>()

  /** False for a variant that would be one too many: it goes to its handler. */
  admits(key: string, variant: string): boolean {
    let variants = this.#byKey.get(key)
    if (variants === undefined) {
      // Like all that is bounded by starting anew: the cache has bounds of its own.
      if (this.#byKey.size >= maxBookKeys) this.#byKey.clear()
      this.#byKey.set(key, (variants = new Set()))
    }
    if (variants.has(variant)) return true
    if (variants.size >= maxVariants) return false
    variants.add(variant)
    return true
  }

  /** The first response of a key is made anew, and the variants beside it are chosen anew. */
  forget(key: string): void {
    this.#byKey.delete(key)
  }
}

const maxRecent = 500
const maxRecentLength = 256
const recentCanonical = new Map<string, string>()

// By rule: languages and codings that are accepted alike are one variant however they are written.
// Of everything else only blanks at the ends are known to mean nothing.
function valueOf(name: string, headers: IncomingHttpHeaders): string | null {
  const given = headers[name]
  if (given === undefined) return null
  const text = typeof given === 'string' ? given : String(given)
  if (name !== 'accept-language' && name !== 'accept-encoding') return text.trim()
  if (text.length > maxRecentLength) return text
  let canonical = recentCanonical.get(text)
  if (canonical === undefined) {
    if (recentCanonical.size >= maxRecent) recentCanonical.clear()
    recentCanonical.set(text, (canonical = canonicalAccept(text)))
  }
  return canonical
}
