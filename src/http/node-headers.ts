import type { ServerResponse } from 'node:http'

/**
 * Sets the headers that `writeHead` was given, in any of the forms that it takes: an object, names
 * and values by turns, or pairs. They replace those of the same name.
 */
export function setHeaders(response: ServerResponse, headers: unknown): void {
  if (typeof headers !== 'object' || headers === null) return
  const pairs = Array.isArray(headers) ? pairsOf(headers) : Object.entries(headers)
  for (const [name] of pairs) response.removeHeader(name)
  // Appended, because a list may name a header several times.
  for (const [name, value] of pairs) if (value !== undefined) response.appendHeader(name, value)
}

type Pair = readonly [name: string, value: string | readonly string[]]

function pairsOf(list: readonly unknown[]): Pair[] {
  if (Array.isArray(list[0])) return list as Pair[]
  const pairs: Pair[] = []
  for (let at = 0; at + 1 < list.length; at += 2) {
    pairs.push([String(list[at]), list[at + 1] as Pair[1]])
  }
  return pairs
}

/** What `write` and `end` take as a piece of the body. */
export function isChunk(value: unknown): value is string | Uint8Array {
  return typeof value === 'string' || value instanceof Uint8Array
}

/** The callback among the arguments of `write` or `end`. */
export function callbackIn(parameters: readonly unknown[]): (() => void) | undefined {
  return parameters.find((one): one is () => void => typeof one === 'function')
}

/** Nothing is left to do for a `write` or an `end`, which answers with `result`. */
export function done<Result>(parameters: readonly unknown[], result: Result): Result {
  const callback = callbackIn(parameters)
  if (callback !== undefined) process.nextTick(callback)
  return result
}
