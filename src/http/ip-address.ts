import ipaddr from 'ipaddr.js'
import { isIP, isIPv4, isIPv6 } from 'node:net'

/** A network: an address, and how many of its bits count. */
type Network = readonly [address: ipaddr.IPv4 | ipaddr.IPv6, bits: number]

/**
 * The one way to write an address, or `undefined` for what is none: without port, brackets and zone,
 * an IPv4 address that is mapped into IPv6 as itself. Four decimal numbers without leading zeros are
 * an IPv4 address; octal, hexadecimal and shortened forms, which programs read differently, are not.
 */
export function canonicalAddress(text: string): string | undefined {
  // Node's checks are as strict as that, and ipaddr.js throws an error for itself on every "no".
  const bare = withoutPort(text.trim())
  if (isIPv4(bare)) return bare
  const [unzoned = ''] = bare.split('%', 1)
  return isIPv6(unzoned) ? remembered(recentAddresses, unzoned, shortest) : undefined
}

function shortest(text: string): string {
  const address = ipaddr.IPv6.parse(text)
  return address.isIPv4MappedAddress()
    ? address.toIPv4Address().toString()
    : address.toRFC5952String()
}

const maxRecent = 1_000

/** What was found for an address before. It forgets all when it is full: finding again is cheap. */
export function remembered<Value>(
  recent: Map<string, Value>,
  address: string,
  find: (address: string) => Value,
): Value {
  const known = recent.get(address)
  if (known !== undefined) return known
  const found = find(address)
  if (recent.size >= maxRecent) recent.clear()
  recent.set(address, found)
  return found
}

const recentAddresses = new Map<string, string>()
const recentNetworks = new Map<string, string>()

/**
 * What stands for a client where it is limited: its IPv4 address, or the /64 network of its IPv6
 * address, because that is what a single customer is given, to use as he likes.
 */
export function addressKey(address: string): string {
  if (!address.includes(':')) return address
  return remembered(recentNetworks, address, networkKey)
}

function networkKey(address: string): string {
  const groups = ipaddr.IPv6.parse(address).parts.slice(0, 4)
  return `${groups.map((group) => group.toString(16)).join(':')}::/64`
}

const namedNetworks: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/** Networks, addresses and the names above, made ready to be asked. */
export class Networks {
  readonly #networks: readonly Network[]
  readonly #recent = new Map<string, boolean>()

  /** @throws Error for what is no network */
  constructor(texts: readonly string[]) {
    this.#networks = texts.flatMap((text) => (namedNetworks[text] ?? [text]).map(networkFrom))
  }

  /** @param address as {@link canonicalAddress} writes it */
  has(address: string): boolean {
    return remembered(this.#recent, address, (text) => this.#find(text))
  }

  #find(address: string): boolean {
    if (isIP(address) === 0) return false
    const parsed = ipaddr.parse(address)
    return this.#networks.some(
      ([network, bits]) => network.kind() === parsed.kind() && parsed.match(network, bits),
    )
  }
}

function networkFrom(text: string): Network {
  const [address = '', bits] = text.split('/')
  const canonical = canonicalAddress(address)
  if (canonical === undefined || isIP(address) === 0 || text.split('/').length > 2) {
    throw new Error(`${JSON.stringify(text)} is no network`)
  }
  const parsed = ipaddr.parse(canonical)
  const most = parsed.kind() === 'ipv4' ? 32 : 128
  if (bits === undefined) return [parsed, most]
  // The prefix of a mapped network counts the bits before the IPv4 address too.
  const before = most === 32 && address.includes(':') ? 96 : 0
  const count = /^\d{1,3}$/.test(bits) ? Number(bits) - before : -1
  if (count < 0 || count > most) throw new Error(`${JSON.stringify(text)} is no network`)
  return [parsed, count]
}

/** A port is a number, or in `Forwarded` a made-up name such as `_a1` (RFC 7239, 6). */
function withoutPort(text: string): string {
  const bracketed = /^\[([^\]]*)\](?::(?:\d{1,5}|_[\w.-]+))?$/.exec(text)
  if (bracketed !== null) return bracketed[1]?.includes(':') === true ? bracketed[1] : ''
  return text.replace(/^([\d.]+):(?:\d{1,5}|_[\w.-]+)$/, '$1')
}
