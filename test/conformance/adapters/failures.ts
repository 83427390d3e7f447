import { Readable } from 'node:stream'
import { expect, test, vi } from 'vitest'
import { lateAnswerMs } from '../../../src/http/index.ts'
import { broken } from './app.ts'
import { ask, open } from './client.ts'
import { counted, hit, stored, type Suite } from './suite.ts'

/** Whatever happens to one request, those who wait for it are answered. */
export function failures({ start }: Suite): void {
  test.each<[string, () => never | Promise<never>]>([
    [
      'throws',
      () => {
        throw new Error('the database is away')
      },
    ],
    ['rejects', async () => Promise.reject(new Error('the database is away'))],
  ])('a handler that %s is answered by the app, and nothing is kept', async (_, fail) => {
    const { handler, runs } = counted((run) => (run === 1 ? fail() : { body: `run ${run}` }))
    const { port } = await start({ handler })
    const failed = await ask(port)
    expect([failed.status, failed.text]).toEqual([500, broken])
    expect(failed.verdict).toMatch(/^hotpath; fwd=uri-miss; detail=(abandoned|status-500)$/)
    const next = await ask(port)
    expect([next.text, next.verdict, (await ask(port)).verdict]).toEqual(['run 2', stored, hit])
    expect(runs()).toBe(2)
  })

  test('those who wait for a handler that fails are sent to it themselves', async () => {
    const gate = Promise.withResolvers<void>()
    const { handler } = counted(async (run) => {
      if (run > 1) return { body: 'page' }
      await gate.promise
      throw new Error('the database is away')
    })
    const { port, arrivals } = await start({ handler })
    const answers = Array.from({ length: 10 }, () => ask(port))
    await vi.waitUntil(() => arrivals() === 10)
    gate.resolve()
    const statuses = (await Promise.all(answers)).map(({ status }) => status)
    expect(statuses.filter((status) => status !== 200)).toEqual([500])
  })

  test('a client that goes away takes nothing from those who wait', async () => {
    const gate = Promise.withResolvers<void>()
    const { handler, runs } = counted(async (run) => {
      await gate.promise
      return { body: `run ${run}` }
    })
    const { port, arrivals } = await start({ handler })
    const first = open(port)
    first.response.catch(() => {})
    await vi.waitUntil(() => runs() === 1)
    const waiting = [ask(port), ask(port)]
    await vi.waitUntil(() => arrivals() === 3)
    first.request.destroy()
    await vi.waitUntil(() => first.request.closed)
    gate.resolve()
    for (const answer of waiting) expect((await answer).text).toBe('run 1')
    expect([(await ask(port)).verdict, runs()]).toEqual([hit, 1])
  })

  test('where the handler never answers one, the others are sent on in the end', async () => {
    const { handler, runs } = counted((run) =>
      run === 1 ? new Promise<never>(() => {}) : { body: `run ${run}` },
    )
    const { port, clock, arrivals } = await start({ handler })
    const first = open(port)
    first.response.catch(() => {})
    await vi.waitUntil(() => runs() === 1)
    let isAnswered = false
    const waiting = ask(port).finally(() => (isAnswered = true))
    await vi.waitUntil(() => arrivals() === 2)
    first.request.destroy()
    // The time begins when the server has heard of it.
    await vi.waitUntil(() => {
      clock.advance(lateAnswerMs)
      return isAnswered
    })
    expect((await waiting).text).toBe('run 2')
  })

  test('a stream that breaks off breaks off, and the next is whole', async () => {
    // Not all servers keep it to themselves.
    const reported = vi.spyOn(console, 'error').mockImplementation(() => {})
    async function* breaking() {
      yield Buffer.from('one ')
      await new Promise((resolve) => setImmediate(resolve))
      throw new Error('the file is gone')
    }
    const { handler } = counted((run) => ({
      headers: { 'content-type': 'text/plain' },
      body: run === 1 ? Readable.from(breaking()) : 'whole',
    }))
    const { port } = await start({ handler })
    await expect(ask(port)).rejects.toThrow(/aborted|hang up/)
    reported.mockRestore()
    for (const verdict of [stored, hit]) {
      expect(await ask(port)).toMatchObject({ text: 'whole', verdict })
    }
  })

  test('a client that goes away in the middle of a stream leaves nothing behind', async () => {
    const { handler } = counted((run) => ({
      headers: { 'content-type': 'application/octet-stream' },
      body: run === 1 ? endless() : 'whole',
    }))
    const { port } = await start({ handler })
    const first = open(port)
    const response = await first.response
    await new Promise((resolve) => void response.once('data', resolve))
    response.on('error', () => {})
    first.request.destroy()
    const next = await ask(port)
    expect([next.text, next.verdict]).toEqual(['whole', stored])
  })

  test('a cache that is closed in the middle leaves every request to its handler', async () => {
    const gate = Promise.withResolvers<void>()
    const { handler, runs } = counted(async (run) => {
      if (run === 1) await gate.promise
      return { body: `run ${run}` }
    })
    const { port, closeCache, arrivals } = await start({
      handler,
      write: () => ({ status: 204 }),
    })
    const answers = [ask(port), ask(port)]
    await vi.waitUntil(() => arrivals() === 2)
    const closing = closeCache()
    gate.resolve()
    for (const { status, text } of await Promise.all(answers)) {
      expect(status).toBe(200)
      expect(text).toMatch(/^run \d$/)
    }
    await closing
    const runsSoFar = runs()
    for (const run of [1, 2]) expect((await ask(port)).text).toBe(`run ${runsSoFar + run}`)
    expect((await ask(port, { method: 'PUT' })).status).toBe(204)
  })
}

function endless(): Readable {
  return new Readable({
    read() {
      this.push(Buffer.alloc(10_000))
    },
  })
}
