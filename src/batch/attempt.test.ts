import type { Dispatcher } from 'undici'
import { expect, test, vi } from 'vitest'
import { createManualClock } from '../core/index.ts'
import { Aborts } from './aborts.ts'
import { Attempt, type AttemptOptions } from './attempt.ts'
import { resolveRequest } from './fetch-request.ts'

/** A dispatcher that answers by hand; what it does with real servers is in test/integration. */
function attempt(
  url: string,
  answer: (path: string) => { status: number; location?: string } | undefined,
  options: Partial<AttemptOptions> = {},
) {
  const sent: string[] = []
  const clock = createManualClock()
  const dispatcher = {
    dispatch: ({ origin, path }: { origin: string; path: string }, handler: Handler) => {
      sent.push(origin + path)
      const abort = (reason: Error) => handler.onResponseError?.(controller, reason)
      const controller = { abort } as Dispatcher.DispatchController
      handler.onRequestStart?.(controller, null)
      const given = answer(path)
      if (given === undefined) return true
      const { status, location } = given
      handler.onResponseStart?.(controller, status, location === undefined ? {} : { location })
      handler.onResponseEnd?.(controller, {})
      return true
    },
  } as unknown as Dispatcher
  const aborts = new Aborts()
  const running = new Attempt(resolveRequest(url), {
    dispatcher,
    clock,
    timeoutMs: 1_000,
    maxBodyBytes: 1_000,
    maxRedirects: 3,
    publicAddressesOnly: false,
    aborts,
    ...options,
  })
  return { running, clock, aborts, sent }
}
type Handler = Dispatcher.DispatchHandler

test('the address guard looks at each redirect', async () => {
  const { running, sent } = attempt(
    'http://1.1.1.1/',
    () => ({ status: 302, location: 'http://169.254.169.254/latest/meta-data/' }),
    { publicAddressesOnly: true },
  )
  await expect(running.run()).rejects.toMatchObject({ code: 'HOTPATH_BATCH_ADDRESS_REFUSED' })
  expect(sent).toEqual(['http://1.1.1.1/'])
})

test('as many redirects as allowed are followed', async () => {
  const hops: Record<string, string> = { '/a': '/b', '/b': '/c', '/c': '/d' }
  const { running, sent } = attempt('http://1.1.1.1/a', (path) => {
    const location = hops[path]
    return location === undefined ? { status: 200 } : { status: 307, location }
  })
  expect((await running.run()).status).toBe(200)
  expect(sent).toHaveLength(4)
})

test('the time limit is one for all redirects of an attempt', async () => {
  const { running, clock, sent } = attempt('http://1.1.1.1/a', (path) =>
    path === '/a' ? { status: 307, location: '/b' } : undefined,
  )
  const answer = running.run()
  clock.advance(900)
  await vi.waitFor(() => expect(sent).toHaveLength(2))
  clock.advance(100)
  await expect(answer).rejects.toMatchObject({ code: 'HOTPATH_BATCH_TIMEOUT' })
})

test('an attempt of an aborted run is not sent', async () => {
  const { running, aborts, sent } = attempt('http://1.1.1.1/', () => undefined)
  aborts.abort(new Error('enough'))
  await expect(running.run()).rejects.toThrow('enough')
  expect(sent).toEqual([])
})
