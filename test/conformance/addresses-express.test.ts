import express from 'express'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clientAddress, resolveTrustProxy } from '../../src/http/index.ts'
import { canonicalAddress } from '../../src/http/ip-address.ts'
import { addressCases } from './address-cases.ts'

type Trust = false | number | readonly string[]

const socket = '127.0.0.1'

/** `req.ip` of Express, which asks proxy-addr. */
function expressAddress(trust: Trust, forwardedFor: string): string | undefined {
  const app = express()
  app.set('trust proxy', trust)
  const request = Object.create(app.request, {
    app: { value: app },
    headers: { value: { 'x-forwarded-for': forwardedFor } },
    socket: { value: { remoteAddress: socket } },
  }) as express.Request
  return request.ip
}

const comparable = addressCases.flatMap(({ about, trustProxy, headers, expected }) => {
  const value = headers['x-forwarded-for']
  if (typeof value !== 'string') return []
  if (typeof trustProxy === 'object' && !('length' in trustProxy)) return []
  return [{ about, trust: trustProxy, value, expected }]
})

// Express skips an empty member, and counts on behind one that is no address; here both are a proxy
// that names nobody, and end the walk.
const namesNobody = /,\s*(?:garbage)?$/
// Express knows no network for an address with a port, and takes such a proxy for the client.
const proxyWithPort = '[fd12::1]:80'

test.each(comparable)('$about, on Express', ({ trust, value, expected }) => {
  const theirs = expressAddress(trust, value) ?? ''
  const canonical = canonicalAddress(theirs)
  if (canonical === undefined) {
    // Express hands on as the client's address whatever text stands there: a new one, a new client.
    expect(canonicalAddress(expected)).toBe(expected)
    expect(value).toContain(theirs)
  } else if (namesNobody.test(value) && theirs !== socket) {
    expect(expected).toBe(socket)
  } else if (theirs === proxyWithPort) {
    expect(expected).toBe('203.0.113.7')
  } else {
    // The same address; Express leaves its port, its brackets and its way of writing.
    expect(canonical).toBe(expected)
  }
})

test('chains of plain addresses are walked as Express walks them', () => {
  const proxy = fc.constantFrom('127.0.0.1', '10.0.0.1', '10.255.0.9', '::1', 'fd00::1')
  const someAddress = fc.oneof(
    proxy,
    fc.ipV4(),
    fc.ipV6().map((text) => canonicalAddress(text) ?? ''),
  )
  const trust = fc.constantFrom<Trust>(
    false,
    1,
    2,
    5,
    ['loopback'],
    ['loopback', '10.0.0.0/8'],
    ['127.0.0.1', '10.0.0.1', 'uniquelocal'],
    ['::/1', '8000::/1', '0.0.0.0/1', '128.0.0.0/1'],
    ['192.0.2.0/24'],
  )
  fc.assert(
    fc.property(trust, fc.array(someAddress, { minLength: 1, maxLength: 8 }), (given, chain) => {
      const value = chain.join(', ')
      const ours = clientAddress(socket, { 'x-forwarded-for': value }, resolveTrustProxy(given))
      expect(ours).toBe(expressAddress(given, value))
    }),
    { numRuns: 3_000 },
  )
})
