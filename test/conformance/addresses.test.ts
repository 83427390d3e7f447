import fc from 'fast-check'
import { request as send } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientAddress, resolveTrustProxy, type TrustProxy } from '../../src/http/index.ts'
import { addressKey, canonicalAddress } from '../../src/http/ip-address.ts'
import { addressCases } from './address-cases.ts'
import { limitServers, type LimitServer } from './limit-servers.ts'

test('there are at least a hundred cases', () => {
  expect(addressCases.length).toBeGreaterThanOrEqual(100)
})

test.each(addressCases)('$about', ({ trustProxy, headers, expected }) => {
  const flat = Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')])
  const found = clientAddress('127.0.0.1', Object.fromEntries(flat), resolveTrustProxy(trustProxy))
  expect(found).toBe(expected)
})

const settings = [...new Set(addressCases.map(({ trustProxy }) => JSON.stringify(trustProxy)))]

describe.each(Object.keys(limitServers))('over sockets, on %s', (framework) => {
  const servers = new Map<string, LimitServer>()
  const keys: string[] = []
  const limiter = {
    policies: [],
    take(key: string) {
      keys.push(key)
      return {
        isAllowed: true,
        policy: 'all',
        limit: 1,
        remaining: 1,
        retryAfterMs: 0,
        resetMs: 0,
      }
    },
  }

  beforeAll(async () => {
    for (const setting of settings) {
      const trustProxy = JSON.parse(setting) as TrustProxy
      const start = limitServers[framework]
      if (start === undefined) throw new Error(framework)
      servers.set(setting, await start({ trustProxy, limit: { limiter, headers: false } }))
    }
  })
  afterAll(async () => {
    for (const server of servers.values()) await server.close()
  })

  test.each(addressCases)('$about', async ({ trustProxy, headers, expected }) => {
    const { url } = servers.get(JSON.stringify(trustProxy)) as LimitServer
    keys.length = 0
    const status = await new Promise((resolve, reject) => {
      send(url, { headers: headers as Record<string, string | string[]> }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode))
      })
        .on('error', reject)
        .end()
    })
    expect(status).toBe(200)
    expect(keys).toEqual([addressKey(expected)])
  })
})

const address = fc.oneof(fc.ipV4(), fc.ipV6())
const noise = fc.oneof(
  address,
  fc.constantFrom('', 'unknown', 'for=1.2.3.4', '"', '[', '::1'),
  fc.string(),
)

test('whatever a client puts before the header, the address stays', () => {
  fc.assert(
    fc.property(
      fc.array(noise, { maxLength: 6 }),
      address,
      fc.integer({ min: 1, max: 3 }),
      (before, client, hops) => {
        const proxies = Array.from({ length: hops - 1 }, (_, at) => `10.0.0.${at + 1}`)
        const chain = [client, ...proxies]
        const value = [...before, ...chain].join(', ')
        const expected = canonicalAddress(client)
        const found = (trust: TrustProxy) =>
          clientAddress('127.0.0.1', { 'x-forwarded-for': value }, resolveTrustProxy(trust))
        expect(found(hops)).toBe(expected)
        const isProxy =
          expected?.startsWith('10.') === true || expected?.startsWith('127.') === true
        if (!isProxy) expect(found(['127.0.0.0/8', '10.0.0.0/8'])).toBe(expected)
      },
    ),
    { numRuns: 2_000 },
  )
})

const openEnds = fc.array(
  fc.oneof(
    address,
    fc.constantFrom('"', '\\', ',', ';', 'for=', 'for="', 'host="', ' ', '[', '_a'),
  ),
  { maxLength: 12 },
)

test('whatever a client puts before Forwarded, or into a quoted host, the address stays', () => {
  fc.assert(
    fc.property(openEnds, openEnds, address, fc.boolean(), (before, into, client, isNetworks) => {
      const host = into.join('').replaceAll(/["\\]/g, String.raw`\$&`)
      const node = client.includes(':') ? `[${client}]:4711` : client
      const chain = [before.join(''), `for="${node}";host="${host}";proto=https`, 'for="10.0.0.2"']
      const expected = canonicalAddress(client) ?? ''
      fc.pre(!/^(?:10|127)\./.test(expected))
      const by = isNetworks ? ['loopback', '10.0.0.0/8'] : 2
      const proxies = resolveTrustProxy({ by, header: 'forwarded' })
      expect(clientAddress('127.0.0.1', { forwarded: chain.join(', ') }, proxies)).toBe(expected)
    }),
    { numRuns: 5_000 },
  )
})

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2:ffff::1', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['unknown', 'unknown'],
])('%s is limited as %s', (one, key) => {
  expect(addressKey(one)).toBe(key)
  expect(addressKey(one)).toBe(key)
})

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::ffff:10.1.2.3', '10.1.2.3'],
  ['::1', '::1'],
  ['fe80::1%eth0', 'fe80::1'],
  [undefined, 'unknown'],
])('a socket at %s is %s', (socketAddress, expected) => {
  expect(clientAddress(socketAddress, { 'x-forwarded-for': '1.2.3.4' }, undefined)).toBe(expected)
})

test('more addresses than are remembered are told apart', () => {
  const proxies = resolveTrustProxy(['10.0.0.0/8', 'fd00::/16'])
  for (let round = 0; round < 2; round++) {
    for (let one = 1; one <= 1_500; one++) {
      const client = `2001:db8:${one.toString(16)}::1`
      const headers = { 'x-forwarded-for': client }
      expect(clientAddress(`fd00::${one.toString(16)}:1`, headers, proxies)).toBe(client)
      expect(clientAddress(client, { 'x-forwarded-for': '1.2.3.4' }, proxies)).toBe(client)
      expect(addressKey(client)).toBe(`2001:db8:${one.toString(16)}:0::/64`)
    }
  }
})

test('a proxy on a Unix socket is counted like another', () => {
  const headers = { 'x-forwarded-for': '203.0.113.7' }
  expect(clientAddress(undefined, headers, resolveTrustProxy(1))).toBe('203.0.113.7')
  expect(clientAddress(undefined, headers, resolveTrustProxy(['loopback']))).toBe('unknown')
})

test.each<[TrustProxy]>([
  [0],
  [-1],
  [1.5],
  [33],
  [Number.NaN],
  [true as never],
  ['loopback' as never],
  [[]],
  [['nowhere']],
  [['10.0.0.0/33']],
  [['10.0.0.0/']],
  [['10.0.0.0/8/8']],
  [['10.0.0/8']],
  [['10.0.0.0:80']],
  [['[::1]']],
  [['constructor']],
  [['::/129']],
  [[7 as never]],
  [{ by: 1 } as never],
  [{ by: 0, header: 'forwarded' }],
  [{ by: 1, header: 'x-real-ip' as never }],
  [{ by: 1, header: 'forwarded', hops: 2 } as never],
])('trustProxy: %j is refused', (trustProxy) => {
  expect(() => resolveTrustProxy(trustProxy)).toThrow(
    expect.objectContaining({ code: 'HOTPATH_OPTION_INVALID' }),
  )
})
