import { expect, test, vi } from 'vitest'
import { Closing } from './closing.ts'

test('the last started is ended first, and each only once', async () => {
  const ended: string[] = []
  const closing = new Closing()
  closing.defer(async () => ended.push('server'))
  closing.defer(async () => ended.push('contender'))

  await closing.close()
  await closing.close()
  expect(ended).toEqual(['contender', 'server'])
  expect(closing.isClosed).toBe(true)
})

test('one that cannot be ended is reported and does not keep the others alive', async () => {
  const report = vi.spyOn(console, 'error').mockImplementation(() => {})
  const ended: string[] = []
  const closing = new Closing()
  closing.defer(async () => ended.push('server'))
  closing.defer(async () => {
    throw new Error('stuck')
  })

  await closing.close()
  expect(ended).toEqual(['server'])
  expect(report).toHaveBeenCalledWith(new Error('stuck'))
  report.mockRestore()
})

test('what starts while the run ends is ended too', async () => {
  const ended: string[] = []
  const closing = new Closing()
  await closing.close()
  closing.defer(async () => ended.push('latecomer'))
  expect(ended).toEqual(['latecomer'])
})
