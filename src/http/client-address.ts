import type { IncomingHttpHeaders } from 'node:http'
import { invalid, knownOptions } from '../core/index.ts'
import { forwardedChain, type ForwardedHeader } from './forwarded-chain.ts'
import { canonicalAddress, Networks, remembered } from './ip-address.ts'

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
  | { readonly by: number | readonly string[]; readonly header: ForwardedHeader }

/** A checked {@link TrustProxy}. */
export interface TrustedProxies {
  readonly hops: number
  readonly networks: Networks | undefined
  readonly header: ForwardedHeader
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

function believed(by: number | readonly string[], header: ForwardedHeader): TrustedProxies {
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
  let hop = 0
  for (const named of forwardedChain(header, value)) {
    if (networks !== undefined && !networks.has(address)) break
    const canonical = canonicalAddress(named)
    if (canonical === undefined) break
    address = canonical
    if (++hop === hops) break
  }
  return address
}

/** How many trusted proxies have handed a request on, one after the other. */
export function trustedHops(
  socketAddress: string | undefined,
  headers: IncomingHttpHeaders,
  { hops, networks, header }: TrustedProxies,
): number {
  if (networks === undefined) return hops
  if (socketAddress === undefined || !networks.has(ofSocket(socketAddress))) return 0
  let count = 1
  for (const named of forwardedChain(header, headers[header]?.toString() ?? '')) {
    const canonical = canonicalAddress(named)
    if (canonical === undefined || !networks.has(canonical) || count === hops) break
    count++
  }
  return count
}

const recentSockets = new Map<string, string>()

// The system has written it: an IPv4 address needs no check.
function ofSocket(address: string): string {
  if (!address.includes(':')) return address
  if (address.startsWith('::ffff:') && address.includes('.')) return address.slice(7)
  return remembered(recentSockets, address, (text) => canonicalAddress(text) ?? unknownAddress)
}
