import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { request as open, type IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createManualClock, HotpathError } from '../../src/index.ts'
import {
  createUploadStore,
  type UploadReference,
  type UploadStorage,
  type UploadStore,
} from '../../src/tasks/index.ts'
import type { ListeningServer } from '../conformance/listening.ts'
import { ScriptedStorage, type Step } from '../uploads/scripted-storage.ts'
import { uploadServers } from '../uploads/upload-servers.ts'

const timeoutMs = 5_000
const never = () => new Promise<never>(() => {})
const codeOf = (code: string) => expect.objectContaining({ name: 'HotpathError', code })

let storage: ScriptedStorage
let clock: ReturnType<typeof createManualClock>
let uploads: UploadStore

beforeEach(() => {
  storage = new ScriptedStorage()
  clock = createManualClock()
  uploads = createUploadStore({ storage, maxBytes: 10, timeoutMs, clock })
})
// A storage that hangs may hold up a close, as long as any other call.
afterEach(() => timeGoesOn(uploads.close()))

/** Moves the clock until it has settled: a step that hangs is given up then. */
async function timeGoesOn<Result>(settling: Promise<Result>): Promise<Result> {
  let isSettled = false
  const settle = () => void (isSettled = true)
  settling.then(settle, settle)
  while (!isSettled) {
    // All that does not wait for the clock comes first.
    for (let turn = 0; turn < 20 && !isSettled; turn++) await new Promise(setImmediate)
    if (!isSettled) clock.advance(timeoutMs)
  }
  return settling
}

const failures: Record<string, { fail: () => Promise<void>; code: string }> = {
  'throws at once': {
    fail() {
      throw new Error('no network')
    },
    code: 'HOTPATH_TASKS_UPLOAD_FAILED',
  },
  rejects: {
    fail: () => Promise.reject(new Error('no network')),
    code: 'HOTPATH_TASKS_UPLOAD_FAILED',
  },
  'rejects with what is no error': {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- as some packages do
    fail: () => Promise.reject(undefined),
    code: 'HOTPATH_TASKS_UPLOAD_FAILED',
  },
  'is full': {
    fail: () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })),
    code: 'HOTPATH_TASKS_UPLOAD_DISK_FULL',
  },
  'never answers': { fail: never, code: 'HOTPATH_TASKS_UPLOAD_TIMEOUT' },
}
const writing: Step[] = ['begin', 'write', 'commit']
const cases = (steps: Step[]) =>
  steps.flatMap((step) =>
    Object.entries(failures).map(([how, failure]) => ({ step, how, ...failure })),
  )

/** A source that tells how much of it was taken, and whether it was left. */
function chunks(...texts: string[]) {
  const told = { taken: 0, isLeft: false }
  async function* generate(): AsyncGenerator<Uint8Array> {
    try {
      for (const text of texts) {
        told.taken++
        yield Buffer.from(text)
      }
    } finally {
      told.isLeft = true
    }
  }
  return { told, source: generate() }
}

async function stored(text: string): Promise<UploadReference> {
  return uploads.receive(chunks(text).source)
}

describe('an upload', () => {
  test('is written chunk by chunk, each when the one before is, and none of them empty', async () => {
    const gate = Promise.withResolvers<void>()
    storage.script.write = () => gate.promise
    const { told, source } = chunks('', 'a', '', 'b', 'c')
    const receiving = uploads.receive(source)
    await vi.waitUntil(() => storage.times('write') === 1)
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
    expect(told.taken).toBe(2)
    expect(storage.times('write')).toBe(1)
    gate.resolve()
    const { id } = await receiving
    expect(String(storage.kept.get(id))).toBe('abc')
    expect(storage.asked).toEqual(['sweep', 'begin', 'write', 'write', 'write', 'commit'])
  })

  test('is acknowledged when it is committed, and not before', async () => {
    const gate = Promise.withResolvers<void>()
    storage.script.commit = () => gate.promise
    let isAcknowledged = false
    const receiving = stored('abc').finally(() => (isAcknowledged = true))
    await vi.waitUntil(() => storage.times('commit') === 1)
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
    expect(isAcknowledged).toBe(false)
    gate.resolve()
    expect(await receiving).toMatchObject({ byteLength: 3 })
    expect(storage.times('abort')).toBe(0)
  })

  test('that is given up while it is committed is what the storage says of it', async () => {
    const gate = Promise.withResolvers<void>()
    storage.script.commit = () => gate.promise
    const abort = new AbortController()
    const receiving = uploads.receive(chunks('abc').source, { signal: abort.signal })
    await vi.waitUntil(() => storage.times('commit') === 1)
    abort.abort(new Error('enough'))
    expect(storage.signals[0]?.aborted).toBe(false)
    gate.resolve()
    expect(await receiving).toMatchObject({ byteLength: 3 })
    expect(storage.times('abort')).toBe(0)
  })
})

describe('a storage is told once to abort, and never to commit', () => {
  const isAbortedOnce = () => {
    expect(storage.times('abort')).toBe(1)
    expect(storage.times('commit')).toBe(0)
    expect(storage.signals[0]?.aborted).toBe(true)
    expect(uploads.stats()).toMatchObject({ receiving: 0, received: 0, failed: 1, leftOver: 0 })
  }

  test('when an upload is too large', async () => {
    const { told, source } = chunks('12345', '67890', '1')
    const tooLarge = codeOf('HOTPATH_TASKS_UPLOAD_TOO_LARGE')
    await expect(uploads.receive(source)).rejects.toThrow(tooLarge)
    expect(storage.times('write')).toBe(2)
    expect(told.isLeft).toBe(true)
    isAbortedOnce()
  })

  test('when the source fails', async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('a')
      throw new Error('gone')
    }
    await expect(uploads.receive(failing())).rejects.toThrow('gone')
    isAbortedOnce()
  })

  test.each(['begin', 'write'] as const)('when it is given up during %s()', async (step) => {
    const gate = Promise.withResolvers<void>()
    storage.script[step] = () => gate.promise
    const abort = new AbortController()
    const receiving = uploads.receive(chunks('a', 'b').source, { signal: abort.signal })
    await vi.waitUntil(() => storage.times(step) === 1)
    abort.abort(new Error('enough'))
    expect(storage.signals[0]?.aborted).toBe(true)
    // As a storage that stops because of the signal.
    if (step === 'begin') gate.resolve()
    else gate.reject(new Error('AbortError'))
    await expect(receiving).rejects.toThrow('enough')
    isAbortedOnce()
  })

  test('when it is given up with its last byte', async () => {
    const abort = new AbortController()
    let isTold = false
    const next = async (): Promise<IteratorResult<Uint8Array>> => {
      await Promise.resolve()
      // Between the end and whoever waits for it.
      if (isTold) queueMicrotask(() => queueMicrotask(() => abort.abort(new Error('enough'))))
      const value = Buffer.from('a')
      const result = isTold ? { done: true as const, value: undefined } : { value }
      isTold = true
      return result
    }
    const source = { [Symbol.asyncIterator]: () => ({ next }) }
    const receiving = uploads.receive(source, { signal: abort.signal })
    await expect(receiving).rejects.toThrow('enough')
    isAbortedOnce()
  })

  test('when the store is closed', async () => {
    storage.script.write = never
    const receiving = stored('a')
    receiving.catch(() => {})
    await vi.waitUntil(() => storage.times('write') === 1)
    await timeGoesOn(uploads.close())
    await expect(receiving).rejects.toThrow(codeOf('HOTPATH_COMPONENT_CLOSED'))
    isAbortedOnce()
  })
})

describe('a storage that fails', () => {
  test.each(cases(writing))('$step() $how', async ({ step, fail, code }) => {
    storage.script[step] = fail
    const { told, source } = chunks('a', 'b', 'c')
    await expect(timeGoesOn(uploads.receive(source))).rejects.toThrow(codeOf(code))
    expect(storage.times('abort')).toBe(step === 'begin' ? 0 : 1)
    expect(storage.times('commit')).toBe(step === 'commit' ? 1 : 0)
    expect(storage.signals[0]?.aborted).toBe(true)
    expect(told.taken).toBe({ begin: 0, write: 1, commit: 3 }[step as 'begin'])
    expect(storage.kept.size).toBe(0)
    expect(uploads.stats()).toMatchObject({ receiving: 0, received: 0, failed: 1, leftOver: 0 })
    // The next one finds a storage that is well again.
    delete storage.script[step]
    expect(await stored('well')).toMatchObject({ byteLength: 4 })
  })

  test.each(Object.keys(failures))(
    'abort() %s: the first error stays, and it is told',
    async (how) => {
      storage.script.write = () => Promise.reject(new Error('no network'))
      storage.script.abort = failures[how]?.fail ?? never
      const receiving = timeGoesOn(stored('a'))
      await expect(receiving).rejects.toThrow(/could not be stored in .*no network/)
      expect(storage.times('abort')).toBe(1)
      expect(uploads.stats()).toMatchObject({ receiving: 0, failed: 1, leftOver: 1 })
    },
  )

  test('begin() that answers too late is aborted, too', async () => {
    const gate = Promise.withResolvers<void>()
    storage.script.begin = () => gate.promise
    const timedOut = codeOf('HOTPATH_TASKS_UPLOAD_TIMEOUT')
    await expect(timeGoesOn(stored('a'))).rejects.toThrow(timedOut)
    expect(storage.times('abort')).toBe(0)
    gate.resolve()
    await vi.waitUntil(() => storage.times('abort') === 1)
    expect(storage.asked).toEqual(['sweep', 'begin', 'abort'])
  })

  test.each(cases(['open', 'remove']).filter(({ how }) => how !== 'is full'))(
    '$step() $how',
    async ({ step, fail, code }) => {
      const reference = await stored('abc')
      storage.script[step] = fail
      const asking = step === 'open' ? uploads.open(reference) : uploads.delete(reference)
      await expect(timeGoesOn<unknown>(asking)).rejects.toThrow(codeOf(code))
      expect(storage.signals.at(-1)?.aborted).toBe(true)
      expect(storage.opened).toEqual([])
    },
  )

  test('open() that answers too late is closed again', async () => {
    const reference = await stored('abc')
    const gate = Promise.withResolvers<void>()
    storage.script.open = () => gate.promise
    const timedOut = codeOf('HOTPATH_TASKS_UPLOAD_TIMEOUT')
    await expect(timeGoesOn(uploads.open(reference))).rejects.toThrow(timedOut)
    gate.resolve()
    await vi.waitUntil(() => storage.opened[0]?.destroyed === true)
  })

  test('open() that answers too late, with a stream that fails when it is closed', async () => {
    const reference = await stored('abc')
    const gate = Promise.withResolvers<Readable>()
    const stream = new Readable({ read() {}, destroy: (_error, done) => done(new Error('reset')) })
    const open = () => gate.promise
    const late = Object.assign(new ScriptedStorage(), { open })
    await using store = createUploadStore({ storage: late, maxBytes: 10, timeoutMs, clock })
    const timedOut = codeOf('HOTPATH_TASKS_UPLOAD_TIMEOUT')
    await expect(timeGoesOn(store.open(reference))).rejects.toThrow(timedOut)
    gate.resolve(stream)
    await vi.waitUntil(() => stream.closed)
    expect(stream.errored).toMatchObject({ message: 'reset' })
  })

  test.each(cases(['read']).filter(({ how }) => how === 'rejects' || how === 'never answers'))(
    'the stream that it gave $how',
    async ({ fail, code }) => {
      const reference = await stored('abc')
      storage.script.read = fail
      const stream = await uploads.open(reference)
      await expect(timeGoesOn(stream.toArray())).rejects.toThrow(codeOf(code))
      expect(storage.signals.at(-1)?.aborted).toBe(true)
      await vi.waitUntil(() => storage.opened[0]?.destroyed === true)
    },
  )

  test('the stream that it gave hangs, and its reader goes', async () => {
    const reference = await stored('abc')
    storage.script.read = never
    const stream = await uploads.open(reference)
    stream.resume()
    await vi.waitUntil(() => storage.times('read') === 1)
    stream.destroy()
    await once(stream, 'close')
    expect(storage.opened[0]?.destroyed).toBe(true)
    expect(storage.signals.at(-1)?.aborted).toBe(true)
  })

  test('the stream that it gave fails when nobody has read it', async () => {
    const reference = await stored('abc')
    const open: UploadStorage['open'] = async (_id, { signal }) => {
      const given = new Readable({ read() {} })
      signal.addEventListener('abort', () => given.destroy(new Error('stopped')))
      return given
    }
    const store = createUploadStore({ storage: Object.assign(storage, { open }), maxBytes: 10 })
    const stream = await store.open(reference)
    stream.destroy()
    // An error that nobody hears would end the process here.
    await once(stream, 'close')
    await new Promise(setImmediate)
    expect(stream.errored).toBe(null)
    await store.close()
  })

  test.each([
    ['fewer', 'ab'],
    ['more', 'abcd'],
  ])('it gives %s bytes than it was given', async (_what, text) => {
    const reference = await stored('abc')
    storage.kept.set(reference.id, Buffer.from(text))
    const read = (await uploads.open(reference)).toArray()
    await expect(read).rejects.toThrow(codeOf('HOTPATH_TASKS_UPLOAD_FAILED'))
  })

  test('sweep() fails: it is told once, tried again, and holds no upload up', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const failing = new ScriptedStorage()
    failing.script.sweep = () => Promise.reject(new Error('no network'))
    const store = createUploadStore({ storage: failing, maxBytes: 10, clock })
    for (let n = 0; n < 3; n++) await store.receive(chunks('a').source)
    expect(failing.times('sweep')).toBeGreaterThan(1)
    expect(warned.mock.calls.map(([text]) => text)).toEqual([expect.stringMatching(/no network/)])
    failing.script.sweep = never
    await store.receive(chunks('a').source)
    await timeGoesOn(store.close())
    warned.mockRestore()
  })
})

describe.each(Object.entries(uploadServers))('behind %s', (_name, serve) => {
  let server: ListeningServer
  beforeEach(async () => {
    server = await serve(uploads)
  })
  afterEach(() => server.close())

  const post = (bytes: Buffer) => {
    const headers = { 'content-type': 'application/octet-stream', 'transfer-encoding': 'chunked' }
    const asked = open(server.url, { method: 'POST', headers })
    asked.on('error', () => {})
    asked.end(bytes)
    return once(asked, 'response') as Promise<[Readable & { statusCode: number }]>
  }

  test.each(cases(writing))('$step() $how', async ({ step, fail, code }) => {
    storage.script[step] = fail
    const answering = post(Buffer.from('abc'))
    await vi.waitUntil(() => storage.times(step) === 1)
    const [answer] = await timeGoesOn(answering)
    expect(String(await answer.toArray())).toBe(code)
    expect(answer.statusCode).toBe(
      { HOTPATH_TASKS_UPLOAD_TIMEOUT: 503, HOTPATH_TASKS_UPLOAD_DISK_FULL: 507 }[code] ?? 500,
    )
    expect(storage.times('abort')).toBe(step === 'begin' ? 0 : 1)
  })

  test('a slow write leaves the rest with the client', async () => {
    await uploads.close()
    await server.close()
    uploads = createUploadStore({ storage, maxBytes: 2 ** 25, timeoutMs, clock })
    server = await serve(uploads)
    const gate = Promise.withResolvers<void>()
    storage.script.write = () => gate.promise
    const requests: IncomingMessage[] = []
    const note = (message: unknown) =>
      void requests.push((message as { request: IncomingMessage }).request)
    subscribe('http.server.request.start', note)
    const bytes = Buffer.alloc(2 ** 24, 'a')
    const answering = post(bytes)
    await vi.waitUntil(() => storage.times('write') === 1)
    unsubscribe('http.server.request.start', note)
    const [request] = requests
    await vi.waitUntil(
      () => (request?.readableLength ?? 0) >= (request?.readableHighWaterMark ?? 1),
    )
    expect(storage.times('write')).toBe(1)
    expect(request?.readableLength).toBeLessThan(2 ** 18)
    gate.resolve()
    const [answer] = await answering
    const { id } = JSON.parse(String(await answer.toArray())) as UploadReference
    expect(storage.kept.get(id)?.equals(bytes)).toBe(true)
  })

  test('too much is a 413, aborted once', async () => {
    const [answer] = await post(Buffer.alloc(11))
    expect(answer.statusCode).toBe(413)
    expect(storage.asked.filter((step) => step !== 'write')).toEqual(['sweep', 'begin', 'abort'])
  })
})

describe('a store is not made', () => {
  const { begin, open: read, remove } = new ScriptedStorage()
  const withoutSweep = { begin, open: read, remove }

  test.each([
    ['of a folder and a storage', { folder: 'here', storage: withoutSweep }],
    ['of neither', {}],
    ['of what is no storage', { storage: { begin } }],
    ['with an age that its storage cannot sweep', { storage: withoutSweep, maxAgeMs: 1_000 }],
    ['with a time of nothing', { storage: withoutSweep, timeoutMs: 0 }],
  ])('%s', (_what, options) => {
    const make = () => createUploadStore({ maxBytes: 10, ...options } as never)
    expect(make).toThrow(HotpathError)
    expect(make).toThrow(codeOf('HOTPATH_OPTION_INVALID'))
  })
})
