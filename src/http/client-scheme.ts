import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import type { UrlScheme } from '../measure/index.ts'
import { trustedHops, type TrustedProxies } from './client-address.ts'
import { forwardedProtocols } from './forwarded-chain.ts'

/** What is known of the connection that a request came by. */
export interface ArrivedRequest {
  readonly headers: IncomingHttpHeaders
  readonly socketAddress: string | undefined
  /** The socket speaks TLS. */
  readonly isEncrypted: boolean
}

/**
 * How a client has asked: as the outermost proxy says that is trusted (in `X-Forwarded-Proto`, or in
 * `Forwarded` where that is the header), or else by the socket. Anything but `http` and `https` is
 * passed over, so that a label of this has two values at most.
 */
export function clientScheme(
  { headers, socketAddress, isEncrypted }: ArrivedRequest,
  proxies: TrustedProxies | undefined,
): UrlScheme {
  let scheme: UrlScheme = isEncrypted ? 'https' : 'http'
  if (proxies === undefined) return scheme
  const isStandard = proxies.header === 'forwarded'
  const value = headers[isStandard ? 'forwarded' : 'x-forwarded-proto']?.toString()
  if (value === undefined) return scheme
  let left = trustedHops(socketAddress, headers, proxies)
  for (const protocol of forwardedProtocols(proxies.header, value)) {
    if (left-- === 0) break
    if (protocol === 'http' || protocol === 'https') scheme = protocol
  }
  return scheme
}

export function isEncrypted(socket: Socket): boolean {
  return 'encrypted' in socket && socket.encrypted === true
}
