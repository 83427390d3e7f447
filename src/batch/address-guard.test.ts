import { describe, expect, test } from 'vitest'
import { guardedLookup, isPublicAddress, type Lookup } from './address-guard.ts'

describe('public addresses', () => {
  test.each(['1.1.1.1', '8.8.8.8', '93.184.216.34', '2606:4700::1111', '2a00:1450:4001::200e'])(
    '%s is one',
    (address) => expect(isPublicAddress(address)).toBe(true),
  )

  test.each([
    ['unspecified', '0.0.0.0'],
    ['this network', '0.1.2.3'],
    ['loopback', '127.255.0.1'],
    ['private', '10.1.2.3'],
    ['private', '172.16.0.1'],
    ['private', '172.31.255.255'],
    ['private', '192.168.1.1'],
    ['shared (CGNAT)', '100.64.0.1'],
    ['metadata of Alibaba', '100.100.100.200'],
    ['link-local', '169.254.1.1'],
    ['metadata', '169.254.169.254'],
    ['metadata of Oracle', '192.0.0.192'],
    ['host of Azure', '168.63.129.16'],
    ['documentation', '203.0.113.1'],
    ['benchmarking', '198.18.0.1'],
    ['multicast', '224.0.0.1'],
    ['reserved', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['unspecified', '::'],
    ['loopback', '::1'],
    ['mapped loopback', '::ffff:127.0.0.1'],
    ['mapped private', '::ffff:a00:1'],
    ['mapped metadata', '::ffff:169.254.169.254'],
    ['IPv4-compatible', '::127.0.0.1'],
    ['unique-local', 'fd00::1'],
    ['metadata of AWS', 'fd00:ec2::254'],
    ['link-local', 'fe80::1'],
    ['link-local with a zone', 'fe80::1%eth0'],
    ['site-local', 'fec0::1'],
    ['multicast', 'ff02::1'],
    ['6to4 of 127.0.0.1', '2002:7f00:1::'],
    ['NAT64 of 10.0.0.1', '64:ff9b::a00:1'],
    ['Teredo', '2001::1'],
    ['documentation', '2001:db8::1'],
    ['not allocated', '4000::1'],
    ['no address', 'example.com'],
    ['nothing', ''],
  ])('%s: %s is none', (_, address) => expect(isPublicAddress(address)).toBe(false))
})

describe('the lookup', () => {
  const resolver =
    (...addresses: string[]): Lookup =>
    (_, options, callback) => {
      const [first = ''] = addresses
      if (options.all !== true) return callback(null, first, 4)
      return callback(
        null,
        addresses.map((address) => ({ address, family: 4 })),
      )
    }
  const ask = (lookup: Lookup, all: boolean) =>
    new Promise<unknown>((resolve) => {
      lookup('host', { all }, (error, address) => resolve(error ?? address))
    })

  test('lets public addresses through', async () => {
    expect(await ask(guardedLookup(resolver('1.1.1.1')), false)).toBe('1.1.1.1')
    expect(await ask(guardedLookup(resolver('1.1.1.1', '8.8.8.8')), true)).toHaveLength(2)
  })

  test('refuses a name with one address that is not', async () => {
    for (const lookup of [resolver('10.0.0.1'), resolver('1.1.1.1', '10.0.0.1')]) {
      expect(await ask(guardedLookup(lookup), true)).toMatchObject({
        code: 'HOTPATH_BATCH_ADDRESS_REFUSED',
        message: expect.stringContaining('host (10.0.0.1) is no public address'),
      })
    }
    expect(await ask(guardedLookup(resolver('127.0.0.1')), false)).toMatchObject({
      code: 'HOTPATH_BATCH_ADDRESS_REFUSED',
    })
  })

  test('is asked for each connection: a name that changes its answer gets through once', async () => {
    const answers = ['1.1.1.1', '127.0.0.1']
    const rebinding: Lookup = (...given) => resolver(answers.shift() ?? '')(...given)
    const lookup = guardedLookup(rebinding)
    expect(await ask(lookup, false)).toBe('1.1.1.1')
    expect(await ask(lookup, false)).toMatchObject({ code: 'HOTPATH_BATCH_ADDRESS_REFUSED' })
  })

  test('passes errors of the resolver on', async () => {
    const failing: Lookup = (_, __, callback) => callback(new Error('ENOTFOUND'), '')
    expect(await ask(guardedLookup(failing), false)).toEqual(new Error('ENOTFOUND'))
  })
})
