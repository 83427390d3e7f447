import { mkdtemp, rm } from 'node:fs/promises'
import { request as open, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { taskRoutes } from '../../src/adapters/node/index.ts'
import { createTasks, sqliteEngine, type Tasks } from '../../src/tasks/index.ts'
import { taskServers, type TaskServer, type TaskServerGiven } from './task-servers.ts'

/** Of tasks that wait until somebody lets them go. */
const held = new Map<string, { progress(value: unknown): void; end(result: unknown): void }>()

let folder: string
let tasks: Tasks
/** As another process would have it: on the same file, and without any of the tasks running here. */
let elsewhere: Tasks

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hotpath-task-routes-'))
  const file = join(folder, 'tasks.db')
  tasks = createTasks({ engine: sqliteEngine({ file }) })
  elsewhere = createTasks({ engine: sqliteEngine({ file }), name: 'elsewhere' })
  for (const each of [tasks, elsewhere]) {
    each.define('sum', { run: ({ from }: { from?: string }) => ({ sum: 3, from: from ?? null }) })
    each.define('fail', {
      retries: 0,
      run: () => {
        throw Object.assign(new Error('no luck'), { code: 'E_LUCK' })
      },
    })
    each.define('later', { run: () => 1 })
    each.define('hold', {
      concurrency: 50,
      run: (_input: unknown, { id, progress, signal }) =>
        new Promise((resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error))
          held.set(id, { progress, end: resolve })
        }),
    })
  }
  await tasks.start()
})

afterAll(async () => {
  await Promise.all([tasks.close(), elsewhere.close()])
  await rm(folder, { recursive: true })
})

interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

function ask(
  url: string,
  method = 'GET',
  headers: Record<string, string> = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    open(url, { method, headers, agent: false }).on('error', reject).on('response', resolve).end()
  })
}

async function answerOf(...request: Parameters<typeof ask>): Promise<Answer> {
  const response = await ask(...request)
  const text = Buffer.concat((await response.toArray()) as Buffer[]).toString()
  return { status: response.statusCode, headers: response.headers, text }
}

interface Event {
  readonly event: string
  readonly id: string | undefined
  readonly data: { state?: string; progress?: unknown; result?: unknown }
}

/** The events of a stream, as they come, and its comments. */
async function listenTo(url: string, headers?: Record<string, string>) {
  const response = await ask(url, 'GET', headers)
  const events: Event[] = []
  const comments: string[] = []
  let rest = ''
  response.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n\n')
    rest = parts.pop() ?? ''
    for (const part of parts) {
      if (part.startsWith(':')) comments.push(part)
      else events.push(eventOf(part))
    }
  })
  const over = new Promise((resolve) => response.once('close', resolve))
  response.on('error', () => {})
  return { response, events, comments, over }
}

function eventOf(part: string): Event {
  const fields = new Map(
    part.split('\n').map((line) => line.split(/: (.*)/s, 2) as [string, string]),
  )
  const data = JSON.parse(fields.get('data') ?? '') as Event['data']
  return { event: fields.get('event') ?? '', id: fields.get('id'), data }
}

describe.each(Object.keys(taskServers))('tasks on %s', (framework) => {
  const servers: TaskServer[] = []

  async function serve(given: Partial<TaskServerGiven> = {}): Promise<TaskServer> {
    const server = await taskServers[framework]?.({ tasks, pollMs: 60_000, ...given })
    if (server === undefined) throw new Error(framework)
    servers.push(server)
    return server
  }

  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close()
  })

  async function enqueue({ url }: TaskServer, name: string): Promise<{ id: string; at: string }> {
    const { status, headers, text } = await answerOf(`${url}/work/${name}`, 'POST')
    expect(status).toBe(202)
    const { id } = JSON.parse(text) as { id: string }
    expect(headers.location).toBe(`/api/tasks/${id}`)
    return { id, at: `${url}${headers.location}` }
  }

  test('an enqueued one is accepted, and its place tells how it ends', async () => {
    const server = await serve()
    const { id, at } = await enqueue(server, 'sum')
    await tasks.wait(id)
    const { status, headers, text } = await answerOf(at)
    expect(status).toBe(200)
    expect(headers['x-app']).toBe('here')
    expect(headers['content-type']).toMatch(/^application\/json/)
    expect(headers['retry-after']).toBeUndefined()
    expect(JSON.parse(text)).toMatchObject({
      id,
      name: 'sum',
      state: 'completed',
      attempts: 1,
      result: { sum: 3 },
      endedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
    })
    expect(await answerOf(`${server.url}/other`)).toMatchObject({ status: 200, text: 'other' })
  })

  test('one that is not over says when to come again, and is not sent twice', async () => {
    const { id, at } = await enqueue(await serve(), 'hold')
    await vi.waitUntil(() => held.has(id), 10_000)
    const first = await answerOf(at)
    expect(JSON.parse(first.text)).toMatchObject({ state: 'processing' })
    expect(first.headers).toMatchObject({
      'retry-after': '1',
      'cache-control': 'private, no-cache',
    })
    const etag = first.headers.etag ?? ''
    const again = await answerOf(at, 'GET', { 'if-none-match': etag })
    expect(again).toMatchObject({ status: 304, text: '' })
    expect(again.headers).toMatchObject({ etag, 'retry-after': '1' })
    expect(await answerOf(at, 'HEAD')).toMatchObject({ status: 200, text: '' })
    held.get(id)?.end('done')
    await tasks.wait(id)
    const changed = await answerOf(at, 'GET', { 'if-none-match': etag })
    expect(changed.status).toBe(200)
  })

  test('a failed one tells why, and keeps its stack to itself', async () => {
    const { id, at } = await enqueue(await serve(), 'fail')
    await tasks.wait(id)
    const { text } = await answerOf(at)
    expect(JSON.parse(text)).toMatchObject({
      state: 'failed',
      error: { message: 'no luck', code: 'E_LUCK' },
    })
    expect(text).not.toContain('task-routes.test')
  })

  test('one that nobody knows is not found, in any way', async () => {
    const { url } = await serve()
    for (const place of ['/nobody', '/nobody/events', '/..%2f..', '/a%00b']) {
      const answer = await answerOf(`${url}/api/tasks${place}`)
      expect(answer.status, place).toBe(404)
    }
    expect((await answerOf(`${url}/api/tasks/nobody`, 'DELETE')).status).toBe(404)
    const { status, headers, text } = await answerOf(`${url}/api/tasks/nobody`)
    expect(headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(JSON.parse(text)).toMatchObject({ status })
  })

  test('other methods are not allowed', async () => {
    const { url } = await serve()
    const answer = await answerOf(`${url}/api/tasks/some`, 'PUT')
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD, DELETE' } })
    const events = await answerOf(`${url}/api/tasks/some/events`, 'DELETE')
    expect(events).toMatchObject({ status: 405, headers: { allow: 'GET' } })
  })

  test('one that runs is cancelled, once', async () => {
    const { id, at } = await enqueue(await serve(), 'hold')
    await vi.waitUntil(() => held.has(id), 10_000)
    const answer = await answerOf(at, 'DELETE')
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.text)).toMatchObject({ state: 'cancelled' })
    expect((await answerOf(at, 'DELETE')).status).toBe(409)
    expect(await tasks.status(id)).toMatchObject({ state: 'cancelled' })
  })

  test('only who may see one can see, hear or cancel it', async () => {
    const server = await serve({
      canAccess: async (user, task) => {
        if (user === 'broken') throw new Error('the hook of the app')
        return user === 'ada' ? true : user === 'bob' && task.name === 'hold' ? 403 : false
      },
    })
    const { id, at } = await enqueue(server, 'hold')
    for (const [user, status] of [
      ['ada', 200],
      ['bob', 403],
      ['eve', 404],
      ['broken', 500],
    ] as const) {
      const headers = { authorization: user }
      expect((await answerOf(at, 'GET', headers)).status, user).toBe(status)
      if (status === 200) continue
      expect((await answerOf(`${at}/events`, 'GET', headers)).status, user).toBe(status)
      expect((await answerOf(at, 'DELETE', headers)).status, user).toBe(status)
    }
    expect(await tasks.status(id)).not.toMatchObject({ state: 'cancelled' })
    await tasks.cancel(id)
  })

  test('events tell of progress and the end, and then no more', async () => {
    const { id, at } = await enqueue(await serve({ pollMs: 20 }), 'hold')
    const { response, events, over } = await listenTo(`${at}/events`)
    expect(response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-app': 'here',
    })
    await vi.waitUntil(() => held.has(id), 10_000)
    held.get(id)?.progress({ rows: 5 })
    await vi.waitUntil(() => events.some(({ data }) => data.progress !== undefined), 10_000)
    held.get(id)?.end('all of it')
    await over
    expect(events.at(-1)).toMatchObject({
      event: 'end',
      id: 'end',
      data: { state: 'completed', result: 'all of it' },
    })
    expect(events.slice(0, -1).every(({ event }) => event === 'progress')).toBe(true)
    // A browser comes back by itself; it is told that there is nothing more.
    const back = await answerOf(`${at}/events`, 'GET', { 'last-event-id': 'end' })
    expect(back).toMatchObject({ status: 204, text: '' })
    const late = await listenTo(`${at}/events`)
    await late.over
    expect(late.events).toHaveLength(1)
  })

  test('events of this process come at once, without asking the store', async () => {
    const { id, at } = await enqueue(await serve(), 'hold')
    await vi.waitUntil(() => held.has(id), 10_000)
    const { events, over } = await listenTo(`${at}/events`)
    await vi.waitUntil(() => events.length === 1)
    held.get(id)?.end(1)
    await over
    expect(events.at(-1)).toMatchObject({ event: 'end' })
  })

  test('events come of what another process runs', async () => {
    const server = await serve({ tasks: elsewhere, pollMs: 20 })
    const { id, at } = await enqueue(server, 'hold')
    const { events, over } = await listenTo(`${at}/events`)
    await vi.waitUntil(() => held.has(id), 10_000)
    held.get(id)?.end('from there')
    await over
    expect(events.at(-1)).toMatchObject({ event: 'end', data: { result: 'from there' } })
  })

  test('a comment shows that the connection lives', async () => {
    const { id, at } = await enqueue(await serve({ pollMs: 10, heartbeatMs: 30 }), 'hold')
    const { comments, over } = await listenTo(`${at}/events`)
    await vi.waitUntil(() => comments.length > 1, 10_000)
    await tasks.cancel(id)
    await over
  })

  test('a client that goes ends its stream, and makes room for the next', async () => {
    const asked = vi.fn<(id: string) => void>()
    const watched: TaskServerGiven['tasks'] = {
      enqueue: (name, input) => tasks.enqueue(name, input),
      cancel: (id) => tasks.cancel(id),
      status: (id) => {
        asked(id)
        return tasks.status(id)
      },
    }
    const server = await serve({ tasks: watched, pollMs: 20, maxListeners: 1 })
    const { id, at } = await enqueue(server, 'hold')
    const { response, events } = await listenTo(`${at}/events`)
    await vi.waitUntil(() => events.length > 0, 10_000)
    expect((await answerOf(`${at}/events`)).status).toBe(503)
    response.destroy()
    const next = await vi.waitUntil(async () => {
      const answer = await listenTo(`${at}/events`)
      return answer.response.statusCode === 200 && answer
    }, 10_000)
    next.response.destroy()
    // Once both are gone nobody asks the store any more.
    await vi.waitUntil(async () => {
      const before = asked.mock.calls.length
      await new Promise((resolve) => setTimeout(resolve, 100))
      return asked.mock.calls.length === before
    }, 10_000)
    await tasks.cancel(id)
  })

  test('a server that closes ends its streams', async () => {
    const server = await serve()
    const { id, at } = await enqueue(server, 'hold')
    const { events, over } = await listenTo(`${at}/events`)
    await vi.waitUntil(() => events.length > 0, 10_000)
    server.endEvents()
    await over
    await tasks.cancel(id)
  })
})

test('what cannot be is refused when the routes are made', () => {
  for (const options of [{ path: 'tasks' }, { path: '/tasks/' }, { pollMs: 0 }, { poll: 1 }]) {
    expect(() => taskRoutes(tasks, options)).toThrow(
      expect.objectContaining({ code: 'HOTPATH_OPTION_INVALID' }),
    )
  }
  expect(() => taskRoutes({} as Tasks)).toThrow(/createTasks/)
})
