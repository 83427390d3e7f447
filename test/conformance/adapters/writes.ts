import { expect, test, vi } from 'vitest'
import { ask } from './client.ts'
import { counted, hit, stored, type Suite } from './suite.ts'

/** Who has been told of a write reads it. */
export function writes({ start }: Suite): void {
  test('a tag of the request forgets what is stored', async () => {
    const { handler } = counted((run) => ({ body: `run ${run}` }))
    const { port, invalidateTags } = await start({ cache: { tags: ['page', 'all'] }, handler })
    await ask(port)
    await invalidateTags(['other'])
    expect((await ask(port)).verdict).toBe(hit)
    await invalidateTags(['page'])
    const again = await ask(port)
    expect([again.text, again.verdict]).toEqual(['run 2', stored])
  })

  test('so does one that the handler has learnt', async () => {
    const { handler } = counted(async (run, { addTags }) => {
      await Promise.resolve()
      addTags(['user:7'])
      return { body: `run ${run}` }
    })
    const { port, invalidateTags } = await start({ handler })
    await ask(port)
    expect((await ask(port)).verdict).toBe(hit)
    await invalidateTags(['user:7'])
    expect((await ask(port)).text).toBe('run 2')
  })

  test.each([
    ['a tag of the request', { tags: ['page'] }],
    ['a tag that it learns afterwards', {}],
  ])(
    'what a handler answers that was overtaken by a write, by %s, is not kept',
    async (_, cache) => {
      const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      gates[1]?.resolve()
      const { handler, runs } = counted(async (run, { addTags }) => {
        await gates[run - 1]?.promise
        addTags(['page'])
        return { body: `run ${run}` }
      })
      const { port, invalidateTags } = await start({ cache, handler })
      const overtaken = ask(port)
      await vi.waitUntil(() => runs() === 1)
      await invalidateTags(['page'])
      // Who asks after the write does not wait for what was read before it.
      const after = 'tags' in cache ? await ask(port) : undefined
      gates[0]?.resolve()
      const first = await overtaken
      expect([first.text, first.verdict]).toEqual([
        'run 1',
        'hotpath; fwd=uri-miss; detail=invalidated',
      ])
      expect((after ?? (await ask(port))).text).toBe('run 2')
      expect((await ask(port)).text).toBe('run 2')
      expect(runs()).toBe(2)
    },
  )

  test.each(['POST', 'PUT', 'PATCH', 'DELETE'])(
    '%s forgets its address before it is answered, whatever the query',
    async (method) => {
      const { handler } = counted((run) => ({ body: `run ${run}` }))
      const { port } = await start({ handler, write: () => ({ status: 204 }) })
      await ask(port)
      await ask(port, { path: '/page?page=2' })
      const written = await ask(port, { method, path: '/page?by=me' })
      expect([written.status, written.verdict]).toEqual([204, undefined])
      const reads = await Promise.all(
        ['/page', '/page?page=2'].map(async (path) => (await ask(port, { path })).verdict),
      )
      expect(reads).toEqual([stored, stored])
    },
  )

  test('and the addresses that its answer names', async () => {
    const { handler } = counted((run) => ({ body: `run ${run}` }))
    const { port } = await start({
      handler,
      write: () => ({ status: 201, headers: { location: '/page' }, body: 'made' }),
    })
    await ask(port)
    const written = await ask(port, { method: 'POST' })
    expect([written.status, written.text, written.headers['location']]).toEqual([
      201,
      'made',
      '/page',
    ])
    expect((await ask(port)).text).toBe('run 2')
  })

  test('a write that fails forgets nothing', async () => {
    const { port } = await start({
      handler: () => ({ body: 'page' }),
      write: () => ({ status: 409, body: 'no' }),
    })
    await ask(port)
    expect((await ask(port, { method: 'PUT' })).text).toBe('no')
    expect((await ask(port)).verdict).toBe(hit)
  })

  test('what a handler was about to answer when its address was written is not kept', async () => {
    const gate = Promise.withResolvers<void>()
    const { handler, runs } = counted(async (run) => {
      if (run === 1) await gate.promise
      return { body: `run ${run}` }
    })
    const { port } = await start({ handler, write: () => ({ status: 204 }) })
    const overtaken = ask(port)
    await vi.waitUntil(() => runs() === 1)
    await ask(port, { method: 'PUT' })
    gate.resolve()
    expect((await overtaken).verdict).toBe('hotpath; fwd=uri-miss; detail=invalidated')
    expect((await ask(port)).text).toBe('run 2')
  })
}
