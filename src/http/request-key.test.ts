import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RecentKeys, requestKey, type KeyedRequest } from './request-key.ts'

const request = (url: string, query: unknown = {}, host = 'api.example'): KeyedRequest => ({
  url,
  query,
  host,
})
const keyOf = (url: string) => requestKey('', request(url), undefined, undefined)

describe('without an allow list', () => {
  test('the order of parameters does not matter, that of one parameter does', () => {
    expect(keyOf('/q?b=2&a=1')).toBe(keyOf('/q?a=1&b=2'))
    expect(keyOf('/q?a=1&a=2')).not.toBe(keyOf('/q?a=2&a=1'))
    expect(keyOf('/q?a=1&b=2')).not.toBe(keyOf('/q?a=2&b=1'))
  })

  test('a question mark alone asks nothing, an empty value is one, and so is each spelling', () => {
    expect(keyOf('/q?')).toBe(keyOf('/q'))
    const urls = ['/q', '/q?a', '/q?a=', '/q?a=1', '/q?a=01', '/q?a=%31', '/q?A=1', '/q?a=1&a=1']
    expect(new Set(urls.map(keyOf)).size).toBe(urls.length)
  })

  test('where a parser might care about the order, each text is a key', () => {
    expect(keyOf('/q?a[0]=x&a[]=y')).not.toBe(keyOf('/q?a[]=y&a[0]=x'))
    expect(keyOf('/q?%61=x&b=y')).not.toBe(keyOf('/q?b=y&%61=x'))
  })

  test('two keys are equal only if the parameters are', () => {
    const pairs = fc.array(
      fc.tuple(
        fc.constantFrom('a', 'b', 'a[]', 'a.b', '%61', ''),
        fc.constantFrom('1', '2', '', '='),
      ),
      { maxLength: 4 },
    )
    const textOf = (list: readonly (readonly [string, string])[]) =>
      list.map(([name, value]) => `${name}=${value}`).join('&')
    const parsed = (text: string) => {
      const values = new URLSearchParams(text)
      return JSON.stringify(
        [...new Set(values.keys())].sort().map((name) => [name, values.getAll(name)]),
      )
    }
    fc.assert(
      fc.property(pairs, pairs, (one, other) => {
        const [a, b] = [textOf(one), textOf(other)]
        if (keyOf(`/q?${a}`) === keyOf(`/q?${b}`)) expect(parsed(a)).toBe(parsed(b))
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('with an allow list', () => {
  const allowed = ['tag', 'cursor']
  const listed = (query: unknown, url = '/q') =>
    requestKey('', request(url, query), allowed, undefined)

  test('other parameters make no new keys', () => {
    expect(listed({ tag: 'a', utm: 'x' }, '/q?tag=a&utm=x')).toBe(listed({ tag: 'a' }, '/q?tag=a'))
  })

  test('what the parser has read is what counts, however the client has written it', () => {
    expect(listed({ tag: 'x' }, '/q?%74ag=x')).toBe(listed({ tag: 'x' }, '/q?tag=x'))
    expect(listed({ tag: 'x' }, '/q?%74ag=x')).not.toBe(listed({}, '/q'))
    expect(listed({ tag: ['a', 'b'] })).not.toBe(listed({ tag: 'a,b' }))
    expect(listed({ tag: 'a" cursor="b' })).not.toBe(listed({ tag: 'a', cursor: 'b' }))
  })
})

test('no part can pass for another', () => {
  const keys = [
    requestKey('', request('/api/users/1', {}, 'example.com'), undefined, undefined),
    requestKey('', request('/users/1', {}, 'example.com/api'), undefined, undefined),
    requestKey('example.com', request('/api/users/1', {}, ''), undefined, undefined),
    requestKey('', request('/api/users/1', {}, 'example.com'), undefined, ''),
    requestKey('', request('/api/users/1', {}, 'example.com'), undefined, 'user:1'),
    requestKey('', request('/api/users/1user:1', {}, 'example.com'), undefined, undefined),
  ]
  expect(new Set(keys).size).toBe(keys.length)
})

test('a key that would be too long is none', () => {
  expect(keyOf(`/q?${'x'.repeat(3_000)}`)).toBeUndefined()
})

test('recent keys are those that would be made anew', () => {
  const recent = new RecentKeys()
  for (let number = 0; number < 5_000; number++) {
    const asked = request(
      `/page/${number % 1_500}?x=${'y'.repeat(number % 300)}`,
      {},
      `host-${number % 3}`,
    )
    for (let time = 0; time < 2; time++) {
      expect(recent.of('scope', asked)).toBe(requestKey('scope', asked, undefined, undefined))
    }
  }
})
