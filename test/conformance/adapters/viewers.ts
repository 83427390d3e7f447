import { expect, test } from 'vitest'
import { ask } from './client.ts'
import { counted, hit, stored, type Suite } from './suite.ts'

/** One user's answer is never another's, and what belongs to one request never another's. */
export function viewers({ start, differences }: Suite): void {
  const as = (user: string) => ({ headers: { authorization: `Bearer ${user}` } })

  test('a login is never gone around', async () => {
    const { port } = await start({
      hasLogin: true,
      cache: { isByUser: true },
      handler: ({ user }) => ({ body: `for ${user}` }),
    })
    await ask(port, as('ada'))
    expect((await ask(port, as('ada'))).verdict).toBe(hit)
    for (const options of [{}, as('mallory'), { ...as('mallory'), method: 'HEAD' }]) {
      expect((await ask(port, options)).status).toBe(401)
    }
  })

  test('users have responses of their own', async () => {
    const { handler, runs } = counted((_run, { user }) => ({
      headers: { 'cache-control': 'private, max-age=60' },
      body: `for ${user}`,
    }))
    const { port } = await start({ hasLogin: true, cache: { isByUser: true }, handler })
    for (const verdict of [stored, hit, hit]) {
      for (const user of ['ada', 'bob']) {
        const answer = await ask(port, as(user))
        expect([answer.text, answer.verdict]).toEqual([`for ${user}`, verdict])
      }
    }
    expect(runs()).toBe(2)
  })

  test('nor do they share a run of the handler', async () => {
    const gate = Promise.withResolvers<void>()
    const entered = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const { handler, runs } = counted(async (run, { user }) => {
      entered[run - 1]?.resolve()
      await gate.promise
      return { body: `for ${user}` }
    })
    const { port } = await start({ hasLogin: true, cache: { isByUser: true }, handler })
    const users = ['ada', 'bob', 'ada', 'bob']
    const answers = users.map((user) => ask(port, as(user)))
    await Promise.all(entered.map(({ promise }) => promise))
    gate.resolve()
    const bodies = (await Promise.all(answers)).map(({ text }) => text)
    expect(bodies).toEqual(users.map((user) => `for ${user}`))
    expect(runs()).toBe(2)
  })

  test.each(['authorization', 'cookie', 'x-api-key'])(
    'a request with %s goes past a route that does not say who may see what',
    async (name) => {
      const { handler, runs } = counted((run) => ({ body: `run ${run}` }))
      const { port } = await start({ handler })
      await ask(port)
      for (const run of [2, 3]) {
        const answer = await ask(port, { headers: { [name]: 'secret' } })
        expect([answer.text, answer.verdict]).toEqual([`run ${run}`, 'hotpath; fwd=bypass'])
      }
      expect([(await ask(port)).text, runs()]).toEqual(['run 1', 3])
    },
  )

  test('a public route is answered to everybody whom the app lets come to it', async () => {
    const { handler, runs } = counted(() => ({ body: 'for everybody' }))
    const { port } = await start({ hasLogin: true, cache: { isPublic: true }, handler })
    expect((await ask(port)).status).toBe(401)
    await ask(port, as('ada'))
    expect((await ask(port, as('bob'))).verdict).toBe(hit)
    expect((await ask(port)).status).toBe(differences.isPublicBeforeLogin ? 200 : 401)
    expect(runs()).toBe(1)
  })

  test('what the app sets for each request is of that request, on a hit as well', async () => {
    let requests = 0
    const perRequest = () => ({
      'x-request-id': `id ${requests}`,
      'x-correlation-id': `trace ${requests}`,
      'ratelimit-remaining': String(100 - requests),
      'x-ratelimit-reset': String(requests),
      'server-timing': `app;dur=${requests}`,
      'access-control-allow-origin': `https://${requests}.example`,
      'access-control-expose-headers': `x-${requests}`,
    })
    const { port } = await start({
      headersFor() {
        requests++
        return { ...perRequest(), vary: 'origin' }
      },
      handler: () => ({ body: 'page' }),
    })
    const etag = String((await ask(port)).headers['etag'])
    const known = { 'if-none-match': etag }
    for (const [options, status] of [
      [{}, 200],
      [{ method: 'HEAD' }, 200],
      [{ headers: known }, 304],
    ] as const) {
      const answer = await ask(port, options)
      expect([answer.status, answer.verdict]).toEqual([status, hit])
      expect(answer.headers).toMatchObject(perRequest())
      expect(answer.headers['vary']?.toLowerCase()).toBe('origin')
    }
  })

  test('and where it sets them for one only, no other gets them', async () => {
    const mine = {
      'x-request-id': 'mine',
      'ratelimit-remaining': '7',
      'server-timing': 'mine;dur=7',
      'access-control-allow-origin': 'https://mine.example',
    }
    const { port } = await start({
      headersFor: ({ headers }) => (headers['x-first'] === undefined ? {} : mine),
      handler: () => ({ body: 'page' }),
    })
    const first = await ask(port, { headers: { 'x-first': '1' } })
    expect(first.headers).toMatchObject(mine)
    expect(first.verdict).toBe(stored)
    const second = await ask(port)
    expect(second.verdict).toBe(hit)
    for (const name of Object.keys(mine)) expect(second.headers[name], name).toBeUndefined()
  })

  test('a cookie that the app sets before the cache is sent with a hit, to one only', async () => {
    const { port } = await start({
      headersFor: ({ headers }): Record<string, string> =>
        headers['x-first'] === undefined ? {} : { 'set-cookie': 'session=1' },
      handler: () => ({ body: 'page' }),
    })
    const first = { headers: { 'x-first': '1' } }
    const kept = await ask(port, first)
    expect(kept.headers['set-cookie']).toEqual(['session=1'])
    expect(kept.verdict).toBe('hotpath; fwd=uri-miss; detail=set-cookie')
    await ask(port)
    const withCookie = await ask(port, first)
    expect([withCookie.verdict, withCookie.headers['set-cookie']]).toEqual([hit, ['session=1']])
    expect((await ask(port)).headers['set-cookie']).toBeUndefined()
  })
}
