import fc from 'fast-check'
import { expect, test } from 'vitest'
import { outdatedTags, urlTag } from './url-tag.ts'

const tag = (url: string) => urlTag('a.example', url)

test.each([
  '/users/1?fields=name',
  '/users/1/',
  '/Users/1',
  '/users/%31',
  '/u%73ers/1?',
  'http://a.example/users/1',
  '/users/1#top',
])('%s is the address /users/1', (url) => {
  expect(tag(url)).toBe(tag('/users/1'))
})

test.each(['/users/10', '/users', '/', '/users/1/posts', '/users%2F1x'])('%s is not', (url) => {
  expect(tag(url)).not.toBe(tag('/users/1'))
})

test('hosts are told apart, not by case', () => {
  expect(urlTag('A.Example', '/')).toBe(urlTag('a.example', '/'))
  expect(urlTag('b.example', '/')).not.toBe(urlTag('a.example', '/'))
})

test('whatever a client sends makes a tag that the cache takes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 3_000 }), (text) => {
      for (const made of [tag(text), tag(`/${text}`), urlTag(text, text)]) {
        expect(made.length).toBeLessThanOrEqual(1_000)
        expect(made.isWellFormed()).toBe(true)
      }
      outdatedTags({ method: 'PUT', host: text, url: text }, 200, { location: text })
    }),
  )
  expect(tag('/%zz')).toBe('url:a.example/%zz')
  expect(tag(`/${'/'.repeat(100_000)}`)).toBe(tag('/'))
})

test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'MERGE'])('%s outdates its address', (method) => {
  const request = { method, host: 'a.example', url: '/users/1?x=1' }
  for (const status of [200, 201, 204, 303]) {
    expect(outdatedTags(request, status, {})).toEqual([tag('/users/1')])
  }
  for (const status of [100, 400, 404, 409, 500]) {
    expect(outdatedTags(request, status, {})).toEqual([])
  }
})

test.each(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY'])('%s outdates nothing', (method) => {
  expect(outdatedTags({ method, host: 'a.example', url: '/' }, 200, {})).toEqual([])
})

test.each([
  ['/users/2', '/users/2'],
  ['2', '/users/2'],
  ['../posts?x=1', '/posts'],
  ['https://a.example/posts', '/posts'],
  ['http://A.EXAMPLE:80/posts', '/posts'],
  ['//a.example/posts', '/posts'],
  ['https://b.example/posts', undefined],
  ['http://a.example:8080/posts', undefined],
  ['mailto:a@a.example', undefined],
  ['http://', undefined],
])('Location: %s', (location, path) => {
  const request = { method: 'POST', host: 'a.example', url: '/users/1' }
  const others = path === undefined ? [] : [tag(path)]
  expect(outdatedTags(request, 201, { location })).toEqual([tag('/users/1'), ...others])
  const both = outdatedTags(request, 201, { location, 'content-location': location })
  expect(both).toEqual([tag('/users/1'), ...others])
})
