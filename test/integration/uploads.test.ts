import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { createServer, request as open } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createUploadStore, type UploadStore } from '../../src/tasks/index.ts'
import { listening, type ListeningServer } from '../conformance/listening.ts'

const child = fileURLToPath(new URL('../uploads/receive-main.ts', import.meta.url))
const mebibyte = 2 ** 20

let folder: string
let uploads: UploadStore

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hotpath-uploads-'))
  uploads = createUploadStore({ folder, maxBytes: 8 * mebibyte })
})

afterEach(async () => {
  await uploads.close()
  await rm(folder, { recursive: true })
})

const codeOf = (code: string) => expect.objectContaining({ name: 'HotpathError', code })

async function* bytesOf(...chunks: (Uint8Array | Error)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) {
    if (chunk instanceof Error) throw chunk
    yield chunk
  }
}

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield new Uint8Array(65_536)
}

async function* silent(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(10)
  await new Promise(() => {})
}

describe('an upload', () => {
  test('is read as it was written, as a whole or from a byte on', async () => {
    const bytes = randomBytes(7 * mebibyte + 5)
    const chunks = [0, 3, 70_000, 5 * mebibyte].map((from, at, all) =>
      bytes.subarray(from, all[at + 1]),
    )
    const reference = await uploads.receive(bytesOf(...chunks))
    expect(reference).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      byteLength: bytes.length,
    })
    // As it comes out of the store of a task.
    const carried = JSON.parse(JSON.stringify(reference)) as typeof reference
    expect(Buffer.concat(await (await uploads.open(carried)).toArray()).equals(bytes)).toBe(true)
    const rest = await (await uploads.open(carried, { startByte: 6 * mebibyte })).toArray()
    expect(Buffer.concat(rest).equals(bytes.subarray(6 * mebibyte))).toBe(true)
    expect(await readdir(folder)).toEqual([reference.id])
    expect(uploads.stats()).toMatchObject({
      received: 1,
      receivedBytes: bytes.length,
      receiving: 0,
    })
  })

  test('may be empty, and a stream of the web', async () => {
    const empty = await uploads.receive(Readable.from([]))
    expect(empty.byteLength).toBe(0)
    const { body } = new Response('from the web')
    const web = await uploads.receive(body as unknown as AsyncIterable<Uint8Array>)
    expect((await (await uploads.open(web)).toArray()).join('')).toBe('from the web')
  })

  test('is deleted once, and is missing then', async () => {
    const reference = await uploads.receive(bytesOf(new Uint8Array(3)))
    expect(await uploads.delete(reference)).toBe(true)
    expect(await uploads.delete(reference)).toBe(false)
    await expect(uploads.open(reference)).rejects.toThrow(codeOf('HOTPATH_TASKS_UPLOAD_MISSING'))
    expect(await readdir(folder)).toEqual([])
  })

  test.each(['../secret', '', '.', 'A'.repeat(32), '0'.repeat(31), 7 as unknown as string])(
    'is none by the name of %j',
    async (id) => {
      const reference = { id, byteLength: 1 }
      await expect(uploads.open(reference)).rejects.toThrow(codeOf('HOTPATH_TASKS_UPLOAD_MISSING'))
      await expect(uploads.delete(reference)).rejects.toThrow(/no upload/)
    },
  )
})

describe('nothing is kept of an upload', () => {
  const leavesNothing = async () => {
    expect(await readdir(folder)).toEqual([])
    expect(uploads.stats()).toMatchObject({ receiving: 0, received: 0, failed: 1 })
  }

  test('that is too large, whether it says so or not', async () => {
    const tooLarge = codeOf('HOTPATH_TASKS_UPLOAD_TOO_LARGE')
    await expect(uploads.receive(endless())).rejects.toThrow(tooLarge)
    await leavesNothing()
  })

  test('with a limit that is none', async () => {
    const receiving = uploads.receive(bytesOf(new Uint8Array(1)), { maxBytes: Number.NaN })
    await expect(receiving).rejects.toThrow(codeOf('HOTPATH_OPTION_INVALID'))
  })

  test('that says that it is too large, of which nothing is read', async () => {
    let isRead = false
    const source = Readable.from(
      (async function* () {
        isRead = true
        yield* endless()
      })(),
    )
    const options = { byteLength: 9 * mebibyte }
    const tooLarge = codeOf('HOTPATH_TASKS_UPLOAD_TOO_LARGE')
    await expect(uploads.receive(source, options)).rejects.toThrow(tooLarge)
    expect(isRead).toBe(false)
    await leavesNothing()
  })

  test('whose source fails', async () => {
    const source = bytesOf(new Uint8Array(5 * mebibyte), new Error('gone'))
    await expect(uploads.receive(source)).rejects.toThrow('gone')
    await leavesNothing()
  })

  test('that is given up while nothing comes', async () => {
    const abort = new AbortController()
    const receiving = uploads.receive(silent(), { signal: abort.signal })
    await vi.waitUntil(async () => (await readdir(folder)).length === 1)
    abort.abort(new Error('enough'))
    await expect(receiving).rejects.toThrow('enough')
    await leavesNothing()
  })

  test('that is under way when the store is closed', async () => {
    const receiving = uploads.receive(silent())
    await vi.waitUntil(async () => (await readdir(folder)).length === 1)
    const [result] = await Promise.allSettled([receiving, uploads.close()])
    expect(result).toMatchObject({ reason: { code: 'HOTPATH_COMPONENT_CLOSED' } })
    await leavesNothing()
  })

  test('that is not bytes', async () => {
    const text = Readable.from(['text']) as AsyncIterable<Uint8Array>
    await expect(uploads.receive(text)).rejects.toThrow(codeOf('HOTPATH_OPTION_INVALID'))
    await leavesNothing()
  })
})

describe('over HTTP', () => {
  let server: ListeningServer
  const heard: unknown[] = []

  beforeEach(async () => {
    heard.length = 0
    server = await listening(
      createServer((request, response) => {
        const byteLength = Number(request.headers['content-length'] ?? 0)
        uploads.receive(request, { byteLength }).then(
          (reference) => response.writeHead(202).end(JSON.stringify(reference)),
          (error: { code: string }) => {
            heard.push(error)
            response.writeHead(413, { connection: 'close' }).end(error.code)
          },
        )
      }),
      async () => {},
    )
  })
  afterEach(() => server.close())

  test('a client that goes in the middle leaves nothing', async () => {
    const asked = open(server.url, { method: 'POST', headers: { 'content-length': 9_000 } })
    asked.on('error', () => {})
    asked.write(randomBytes(3_000))
    await vi.waitUntil(async () => (await readdir(folder)).length === 1)
    asked.destroy()
    await vi.waitUntil(() => heard.length === 1)
    expect(await readdir(folder)).toEqual([])
  })

  test('one who sends too much gets his answer', async () => {
    const asked = open(server.url, { method: 'POST' })
    asked.on('error', () => {})
    const answered = once(asked, 'response') as Promise<[Readable & { statusCode: number }]>
    Readable.from(endless()).pipe(asked)
    const [answer] = await answered
    expect(answer.statusCode).toBe(413)
    expect(await readdir(folder)).toEqual([])
    asked.destroy()
  })

  test('what is acknowledged is the same bytes', async () => {
    const bytes = randomBytes(3 * mebibyte)
    const asked = open(server.url, { method: 'POST' })
    asked.end(bytes)
    const [answer] = (await once(asked, 'response')) as [Readable]
    const reference = JSON.parse((await answer.toArray()).join('')) as {
      id: string
      byteLength: number
    }
    const hash = createHash('sha256')
    for await (const chunk of await uploads.open(reference)) hash.update(chunk as Buffer)
    expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'))
  })
})

describe('what is left over', () => {
  test('of a killed process is swept by the next, and not what one that lives is writing', async () => {
    const [doomed, living] = [receiveElsewhere(), receiveElsewhere()]
    await vi.waitUntil(async () => (await readdir(folder)).length === 2, 10_000)
    doomed.kill('SIGKILL')
    await once(doomed, 'exit')
    const next = createUploadStore({ folder, maxBytes: 10 })
    await next.receive(bytesOf(new Uint8Array(1)))
    await vi.waitUntil(() => next.stats().swept === 1)
    const left = (await readdir(folder)).filter((name) => name.endsWith('.part'))
    expect(left).toEqual([expect.stringContaining(`.${living.pid}.part`)])
    living.kill('SIGKILL')
    await Promise.all([once(living, 'exit'), next.close()])
  })

  test('of a process that had the same number, and what is too old', async () => {
    const name = (id: string) => id.repeat(32)
    const [mine] = (await partNames()).map((part) =>
      part.replace(/^\.[0-9a-f]{32}/, `.${name('a')}`),
    )
    const old = [mine ?? '', name('b'), `.${name('c')}.00000000.1.part`]
    const kept = [name('d'), `.${name('e')}.00000000.1.part`, 'something-else']
    for (const file of [...old, ...kept]) await writeFile(join(folder, file), '')
    const longAgo = new Date(Date.now() - 2 * 86_400_000)
    for (const file of [...old, 'something-else'])
      await utimes(join(folder, file), longAgo, longAgo)
    const next = createUploadStore({ folder, maxBytes: 10, maxAgeMs: 86_400_000 })
    const { id } = await next.receive(bytesOf(new Uint8Array(1)))
    await vi.waitUntil(() => next.stats().swept === 3)
    expect((await readdir(folder)).sort()).toEqual([...kept, id].sort())
    await next.close()
  })
})

test('a folder that cannot be made is said to be the reason', async () => {
  await writeFile(join(folder, 'file'), '')
  const blocked = createUploadStore({ folder: join(folder, 'file'), maxBytes: 10 })
  const receiving = blocked.receive(bytesOf(new Uint8Array(1)))
  await expect(receiving).rejects.toThrow(codeOf('HOTPATH_TASKS_UPLOAD_FAILED'))
  await blocked.close()
})

function receiveElsewhere() {
  return spawn(process.execPath, [child, folder, '65536'], { stdio: 'ignore' })
}

/** How this process names a part. */
async function partNames(): Promise<string[]> {
  const abort = new AbortController()
  const receiving = uploads.receive(silent(), { signal: abort.signal })
  const names = await vi.waitUntil(async () => {
    const found = await readdir(folder)
    return found.length > 0 && found
  })
  abort.abort()
  await receiving.catch(() => {})
  return names
}
