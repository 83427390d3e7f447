import { describe, expect, test } from 'vitest'
import { resolveTrustProxy, type TrustProxy } from './client-address.ts'
import { clientScheme } from './client-scheme.ts'

interface Case {
  readonly about: string
  readonly trustProxy: TrustProxy
  readonly headers: Readonly<Record<string, string>>
  readonly expected: 'http' | 'https'
}

const standard = { by: 1, header: 'forwarded' } as const

const cases: readonly Case[] = [
  {
    about: 'nobody is trusted',
    trustProxy: false,
    headers: { 'x-forwarded-proto': 'https' },
    expected: 'http',
  },
  { about: 'the proxy says nothing', trustProxy: 1, headers: {}, expected: 'http' },
  {
    about: 'the proxy says https',
    trustProxy: 1,
    headers: { 'x-forwarded-proto': 'HTTPS' },
    expected: 'https',
  },
  {
    about: 'what the client has written is not read',
    trustProxy: 1,
    headers: { 'x-forwarded-proto': 'https, http' },
    expected: 'http',
  },
  {
    about: 'of two proxies the outer one has seen the client',
    trustProxy: 2,
    headers: { 'x-forwarded-proto': 'https, http' },
    expected: 'https',
  },
  {
    about: 'one value that both have passed on',
    trustProxy: 2,
    headers: { 'x-forwarded-proto': 'https' },
    expected: 'https',
  },
  {
    about: 'another word is no label',
    trustProxy: 1,
    headers: { 'x-forwarded-proto': 'gopher' },
    expected: 'http',
  },
  {
    about: 'a proxy in a trusted network',
    trustProxy: ['10.0.0.0/8'],
    headers: { 'x-forwarded-proto': 'https', 'x-forwarded-for': '1.2.3.4' },
    expected: 'https',
  },
  {
    about: 'two of them',
    trustProxy: ['10.0.0.0/8'],
    headers: { 'x-forwarded-proto': 'http, https, http', 'x-forwarded-for': '1.2.3.4, 10.0.0.2' },
    expected: 'https',
  },
  {
    about: 'a socket outside of the trusted networks',
    trustProxy: ['192.168.0.0/16'],
    headers: { 'x-forwarded-proto': 'https' },
    expected: 'http',
  },
  {
    about: 'the standard header',
    trustProxy: standard,
    headers: { forwarded: 'proto=http, for=1.2.3.4;Proto="https"' },
    expected: 'https',
  },
  {
    about: 'the other header is not looked at',
    trustProxy: standard,
    headers: { 'x-forwarded-proto': 'https' },
    expected: 'http',
  },
]

describe('the scheme that a client has asked by', () => {
  test.each(cases)('$about: $expected', ({ trustProxy, headers, expected }) => {
    const request = { headers, socketAddress: '10.0.0.1', isEncrypted: false }
    expect(clientScheme(request, resolveTrustProxy(trustProxy))).toBe(expected)
  })

  test('a socket with TLS is https, unless a trusted proxy says otherwise', () => {
    const request = { headers: {}, socketAddress: '10.0.0.1', isEncrypted: true }
    expect(clientScheme(request, undefined)).toBe('https')
    const headers = { 'x-forwarded-proto': 'http' }
    expect(clientScheme({ ...request, headers }, resolveTrustProxy(1))).toBe('http')
  })
})
