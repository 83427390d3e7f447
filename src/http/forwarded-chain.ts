/** The two headers in which proxies write down whom they have seen. */
export type ForwardedHeader = 'forwarded' | 'x-forwarded-for'

/**
 * Whom the proxies name, from the one nearest to the server outwards; the empty text where a proxy
 * names nobody. It is read from the right, and only as far as it is asked for: what a client has
 * written stands at the left, and must not change how that is read which a proxy has put behind it.
 * From the left, a quote that the client opens and never closes would swallow what the proxy says.
 */
export function* forwardedChain(header: ForwardedHeader, value: string): Generator<string> {
  const isStandard = header === 'forwarded'
  for (const member of fromTheRight(value, ',', isStandard)) {
    yield isStandard ? namedBy(member) : member
  }
}

/** The protocols that they were asked by, in the same order, in lower case. */
export function* forwardedProtocols(header: ForwardedHeader, value: string): Generator<string> {
  const isStandard = header === 'forwarded'
  for (const member of fromTheRight(value, ',', isStandard)) {
    yield (isStandard ? valueOf(member, protoPair) : member).trim().toLowerCase()
  }
}

const protoPair = /^\s*proto=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))\s*$/i
const forPair = /^\s*for=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))\s*$/i

/** The `for` of one member of `Forwarded`. One that has two of them is malformed (RFC 7239, 4). */
function namedBy(member: string): string {
  return valueOf(member, forPair)
}

function valueOf(member: string, sought: RegExp): string {
  let named: string | undefined
  for (const pair of fromTheRight(member, ';', true)) {
    const [, quoted, token] = sought.exec(pair) ?? []
    const node = quoted?.replaceAll(/\\(.)/g, '$1') ?? token
    if (node === undefined) continue
    if (named !== undefined) return ''
    named = node
  }
  return named ?? ''
}

/** The parts of a text, the last one first. With `hasQuotes`, what is quoted separates nothing. */
function* fromTheRight(text: string, separator: ',' | ';', hasQuotes: boolean): Generator<string> {
  let end = text.length
  while (end >= 0) {
    const start = startOfPart(text, separator, hasQuotes, end)
    yield text.slice(start, end)
    end = start - 1
  }
}

function startOfPart(text: string, separator: string, hasQuotes: boolean, end: number): number {
  let isQuoted = false
  for (let at = end - 1; at >= 0; at--) {
    const character = text[at]
    if (character === separator && !isQuoted) return at + 1
    if (!hasQuotes || character !== '"') continue
    // The first one that is met, from here, ends a quoted text; a backslash can only stand within.
    if (!isQuoted || !isEscaped(text, at)) isQuoted = !isQuoted
  }
  return 0
}

function isEscaped(text: string, at: number): boolean {
  let from = at
  while (text[from - 1] === '\\') from--
  return (at - from) % 2 === 1
}
