import { expect, test } from 'vitest'
import { loadPeer } from './peer.ts'

test('a package that is there is loaded', async () => {
  expect(await loadPeer('csv()', 'csv-parse', () => import('csv-parse'))).toHaveProperty('parse')
})

test('one that is missing is an error that says how to install it', async () => {
  const notFound = Object.assign(new Error('no csv-parse'), { code: 'ERR_MODULE_NOT_FOUND' })
  const missing = () => Promise.reject(notFound)
  await expect(loadPeer('csv()', 'csv-parse', missing)).rejects.toMatchObject({
    code: 'HOTPATH_PEER_MISSING',
    message: 'csv() needs what is not installed: npm install csv-parse',
    cause: notFound,
  })
})

test('one that fails while it is loaded fails with its own error', async () => {
  const broken = new Error('built for another Node')
  await expect(loadPeer('csv()', 'csv-parse', () => Promise.reject(broken))).rejects.toBe(broken)
})
