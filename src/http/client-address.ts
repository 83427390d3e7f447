import type { IncomingHttpHeaders } from 'node:http'
import { invalid, knownOptions } from '../core/index.ts'
import { canonicalAddress, Networks } from './ip-address.ts'

/**
 * Which proxies are believed about who the client is: how many stand between the client and the
 * server, each of which has added an address, or the networks that they are in (`'10.0.0.0/8'`,
 * `'fd00::/8'`, single addresses, `'loopback'`, `'linklocal'`, `'uniquelocal'`). `false`: none.
 *
 * The header is `X-Forwarded-For`; where the proxies write the standard `Forwarded` (RFC 7239), say
 * `{ by, header: 'forwarded' }`. The other one is the client's own invention and is not looked at.
 */
export type TrustProxy =
  | false
  | number
  | readonly string[]
  | { readonly by: number | readonly string[]; readonly header: 'forwarded' | 'x-forwarded-for' }

/** A checked {@link TrustProxy}. */
export interface TrustedProxies {
  readonly hops: number
  readonly networks: Networks | undefined
  readonly header: 'forwarded' | 'x-forwarded-for'
}

/** What stands for a client that has no address: behind a Unix socket, or on another runtime. */
export const unknownAddress = 'unknown'

const maxHops = 32
const expected =
  'false, the number of proxies before the server (1 to 32), a list of their networks such as ' +
  "['10.0.0.0/8', 'loopback'], or { by, header: 'forwarded' }"

/** @throws HotpathError HOTPATH_OPTION_INVALID */
export function resolveTrustProxy(trust: TrustProxy): TrustedProxies | undefined {
  if (trust === false) return undefined
  if (typeof trust !== 'object' || trust === null || Array.isArray(trust)) {
    return believed(trust as number | readonly string[], 'x-forwarded-for')
  }
  const given = trust as Exclude<TrustProxy, false | number | readonly string[]>
  knownOptions('trustProxy', given, ['by', 'header'])
  const { by, header } = given
  if (header !== 'forwarded' && header !== 'x-forwarded-for') invalid('trustProxy', expected, trust)
  return believed(by, header)
}

function believed(
  by: number | readonly string[],
  header: TrustedProxies['header'],
): TrustedProxies {
  if (typeof by === 'number') {
    if (!Number.isInteger(by) || by < 1 || by > maxHops) invalid('trustProxy', expected, by)
    return { hops: by, networks: undefined, header }
  }
  if (!Array.isArray(by) || by.length === 0 || by.some((one) => typeof one !== 'string')) {
    return invalid('trustProxy', expected, by)
  }
  try {
    return { hops: maxHops, networks: new Networks(by as readonly string[]), header }
  } catch {
    return invalid('trustProxy', expected, by)
  }
}

/**
 * Who has sent a request: the address at the other end of the socket, or, where that is a trusted
 * proxy, the one that it names, and so on from proxy to proxy. The walk ends at the first that is not
 * trusted, or that names what is no address: what stands further out was written by somebody else.
 */
export function clientAddress(
  socketAddress: string | undefined,
  headers: IncomingHttpHeaders,
  proxies: TrustedProxies | undefined,
): string {
  let address = socketAddress === undefined ? unknownAddress : ofSocket(socketAddress)
  if (proxies === undefined) return address
  const { hops, networks, header } = proxies
  const value = headers[header]?.toString()
  if (value === undefined) return address
  const named = header === 'forwarded' ? forwardedFor(value) : value.split(',')
  for (let hop = 0; hop < hops; hop++) {
    if (networks !== undefined && !networks.has(address)) break
    const next = named.pop()
    const canonical = next === undefined ? undefined : canonicalAddress(next)
    if (canonical === undefined) break
    address = canonical
  }
  return address
}

// The system has written it: it needs no check, and seldom more than this.
function ofSocket(address: string): string {
  if (!address.includes(':')) return address
  if (address.startsWith('::ffff:') && address.includes('.')) return address.slice(7)
  return canonicalAddress(address) ?? unknownAddress
}

/** The `for` of each member, in their order; the empty text where a member has none (RFC 7239, 4). */
function forwardedFor(value: string): string[] {
  const found: string[] = []
  for (const member of splitUnquoted(value, ',')) {
    let address = ''
    for (const pair of splitUnquoted(member, ';')) {
      const [, quoted, token] = /^\s*for=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))\s*$/i.exec(pair) ?? []
      address ||= quoted?.replaceAll(/\\(.)/g, '$1') ?? token ?? ''
    }
    found.push(address)
  }
  return found
}

function splitUnquoted(text: string, separator: ',' | ';'): string[] {
  const parts: string[] = []
  let from = 0
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '"') isQuoted = !isQuoted
    else if (character === '\\' && isQuoted) at++
    else if (character === separator && !isQuoted) {
      parts.push(text.slice(from, at))
      from = at + 1
    }
  }
  parts.push(text.slice(from))
  return parts
}
