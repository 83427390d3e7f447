import { lookup, type LookupAddress, type LookupOptions } from 'node:dns'
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { addressRefused } from './fetch-error.ts'

type LookupCallback = (
  error: Error | null,
  address: string | LookupAddress[],
  family?: number,
) => void

/** How Node asks for the addresses of a name, as `net.connect` takes it. */
export type Lookup = (hostname: string, options: LookupOptions, callback: LookupCallback) => void

/**
 * Whether an address is one of the public internet. Everything else is refused, not a list of what is
 * known to be bad: private, loopback, link-local (cloud metadata), unique-local, shared (CGNAT),
 * multicast and reserved ranges, and IPv6 forms that carry an IPv4 address to somewhere else
 * (IPv4-compatible, 6to4, Teredo, NAT64). Ranges: the IANA special-purpose address registries.
 */
export function isPublicAddress(text: string): boolean {
  if (isIP(text) === 0) return false
  const address = ipaddr.process(text)
  if (address.range() !== 'unicast') return false
  if (address.kind() === 'ipv4') return !internalAddresses.has(address.toString())
  // What is allocated to the internet so far; outside are, among others, the IPv4-compatible addresses.
  return address.match(allocated)
}

/** @throws FetchError HOTPATH_BATCH_ADDRESS_REFUSED: Node looks up no name for what is an address. */
export function checkLiteralAddress(hostname: string): void {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  if (isIP(bare) !== 0 && !isPublicAddress(bare)) throw addressRefused(bare, bare)
}

/**
 * A lookup that answers public addresses only. It is the lookup of the connection itself, so that no
 * second one can answer otherwise (DNS rebinding). One address that is not public refuses the name.
 */
export function guardedLookup(resolve: Lookup = lookup): Lookup {
  return (hostname, options, callback) => {
    resolve(hostname, options, (error, address, family) => {
      if (error !== null) return callback(error, address, family)
      const found = typeof address === 'string' ? [address] : address.map((one) => one.address)
      const refused = found.find((one) => !isPublicAddress(one))
      if (refused === undefined) callback(null, address, family)
      else callback(addressRefused(hostname, refused), typeof address === 'string' ? '' : [])
    })
  }
}

// Public by its range, but answered by the host of an Azure machine.
const internalAddresses = new Set(['168.63.129.16'])

const allocated = ipaddr.IPv6.parseCIDR('2000::/3')
