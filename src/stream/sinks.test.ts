import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type RequestListener } from 'node:http'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { from } from './from.ts'
import { lines } from './lines.ts'
import { toFile } from './to-file.ts'
import { toResponse } from './to-response.ts'

describe('toFile', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hotpath-sinks-'))
  })
  afterAll(() => rm(folder, { recursive: true }))
  const rows = Array.from({ length: 5_000 }, (_, at) => `row ${at}`)

  test('writes texts, bytes and JSON, plain and as gzip by name', async () => {
    const path = join(folder, 'plain.txt')
    const { result } = await from(rows).to(toFile(path))
    expect(await readFile(path, 'utf8')).toBe(`${rows.join('\n')}\n`)
    expect(result.bytes).toBe((await stat(path)).size)

    await from([Buffer.from([0xff]), 'é']).to(toFile(path))
    expect(await readFile(path)).toEqual(Buffer.from([0xff, 0x0a, 0xc3, 0xa9, 0x0a]))

    const packed = join(folder, 'rows.ndjson.gz')
    const { result: gzip } = await from([{ a: 1 }, undefined]).to(toFile(packed, { as: 'ndjson' }))
    expect(gunzipSync(await readFile(packed)).toString()).toBe('{"a":1}\nnull\n')
    expect(gzip.bytes).toBe((await stat(packed)).size)
    expect(await lines(packed).ndjson().toArray()).toEqual([{ a: 1 }, null])

    await from([]).to(toFile(path))
    expect(await readFile(path, 'utf8')).toBe('')
    expect((await readdir(folder)).toSorted()).toEqual(['plain.txt', 'rows.ndjson.gz'])
  })

  test('a gzip file of many batches is one that others can read', async () => {
    const path = join(folder, 'many.gz')
    await from(rows).to(toFile(path))
    expect(gunzipSync(await readFile(path)).toString()).toBe(`${rows.join('\n')}\n`)
    await rm(path)
  })

  test('until all is there, the file that was there before is untouched, its mode kept', async () => {
    const path = join(folder, 'kept.txt')
    await writeFile(path, 'before')
    await chmod(path, 0o640)
    const failing = from(rows)
      .tap((row) => {
        if (row === 'row 4000') throw new Error('torn')
      })
      .to(toFile(path))
    await expect(failing).rejects.toThrow('torn')
    expect(await readFile(path, 'utf8')).toBe('before')

    await from(rows).to(async () => expect(await readFile(path, 'utf8')).toBe('before'))
    await from(['after']).to(toFile(path))
    expect(await readFile(path, 'utf8')).toBe('after\n')
    expect((await stat(path)).mode & 0o777).toBe(0o640)
    expect((await readdir(folder)).filter((name) => name.endsWith('.partial'))).toEqual([])
    await rm(path)
  })

  test('a folder in its place, and a folder that is missing, are told before anything is written', async () => {
    const path = join(folder, 'taken')
    await mkdir(path)
    const taken = from(rows).to(toFile(path))
    await expect(taken).rejects.toThrow(/taken cannot be written: it is a folder/)
    await expect(taken).rejects.toMatchObject({ code: 'HOTPATH_STREAM_SINK_FAILED' })
    await expect(from(rows).to(toFile(join(folder, 'none', 'x')))).rejects.toThrow(
      'its folder does not exist',
    )
    expect(await readdir(path)).toEqual([])
    await rm(path, { recursive: true })
  })

  test('puts no file in the place of a pipe or a device', async () => {
    const path = join(folder, 'pipe')
    await promisify(execFile)('mkfifo', [path])
    await expect(from(rows).to(toFile(path))).rejects.toThrow('it is no regular file')
    expect((await stat(path)).isFIFO()).toBe(true)
  })

  test('a disk that takes no more fails it, and nothing is left', async () => {
    const path = join(folder, 'large.txt')
    const program = `
      import { from } from ${JSON.stringify(new URL('./from.ts', import.meta.url).href)}
      import { toFile } from ${JSON.stringify(new URL('./to-file.ts', import.meta.url).href)}
      const row = 'x'.repeat(1_000)
      await from(Array(1_000).fill(row)).to(toFile(process.argv[1])).catch((error) => {
        console.log(error.code, error.message)
      })`
    // The limit on the size of a file, in blocks of 512 bytes: what a full disk is, without one.
    const { stdout } = await promisify(execFile)('sh', [
      '-c',
      `ulimit -f 200; exec "$0" "$@"`,
      ...[process.execPath, '--input-type=module-typescript', '--eval', program, path],
    ])
    expect(stdout).toMatch(/^HOTPATH_STREAM_SINK_FAILED .*large\.txt cannot be written: EFBIG/)
    expect(await readdir(folder)).not.toContain('large.txt')
    expect((await readdir(folder)).filter((name) => name.endsWith('.partial'))).toEqual([])
  })

  test('rows that are no texts need to be said how to write', async () => {
    const wrong = from([{ a: 1 }]).to(toFile(join(folder, 'wrong.txt')))
    await expect(wrong).rejects.toMatchObject({ code: 'HOTPATH_OPTION_INVALID' })
  })
})

describe('toResponse', () => {
  const closers: (() => void)[] = []
  afterEach(() => {
    for (const close of closers.splice(0)) close()
  })

  async function serve(answer: RequestListener): Promise<string> {
    const server = createServer(answer).listen(0, '127.0.0.1')
    closers.push(() => {
      server.close()
      server.closeAllConnections()
    })
    await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  }

  test.each([
    ['ndjson', [{ a: 1 }, 2], 'application/x-ndjson', '{"a":1}\n2\n'],
    ['json', [{ a: 1 }, 2], 'application/json', '[{"a":1},2]'],
    ['ndjson', [], 'application/x-ndjson', ''],
    ['json', [], 'application/json', '[]'],
  ] as const)('as %s: %j', async (as, rows, type, body) => {
    const url = await serve((_request, response) => {
      void from<unknown>(rows).to(toResponse(response, { as }))
    })
    const answer = await fetch(url)
    expect(answer.headers.get('content-type')).toBe(type)
    expect(await answer.text()).toBe(body)
  })

  test('an array over many batches is one array', async () => {
    const url = await serve((_request, response) => {
      response.setHeader('content-type', 'application/geo+json')
      void from(Array.from({ length: 2_000 }, (_, at) => at)).to(
        toResponse(response, { as: 'json' }),
      )
    })
    const answer = await fetch(url)
    expect(answer.headers.get('content-type')).toBe('application/geo+json')
    expect(await answer.json()).toHaveLength(2_000)
  })

  test('reads no faster than the client, and closes the source when he goes away', async () => {
    let read = 0
    const closed = Promise.withResolvers<void>()
    const ended = Promise.withResolvers<unknown>()
    const endless = async function* () {
      try {
        for (;;) {
          read++
          yield 'x'.repeat(1_000)
        }
      } finally {
        closed.resolve()
      }
    }
    const url = await serve((_request, response) => {
      from(endless()).to(toResponse(response)).catch(ended.resolve)
    })
    const request = get(url)
    const [answer] = (await once(request, 'response')) as [IncomingMessage]
    answer.pause()
    // It comes to rest when the buffers on the way are full.
    let before = -1
    while (before !== read) {
      before = read
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    expect(read).toBeLessThan(50_000)
    request.destroy()
    await closed.promise
    expect(await ended.promise).toMatchObject({
      code: 'HOTPATH_STREAM_SINK_FAILED',
      message: expect.stringContaining('the client has closed the connection'),
    })
  })

  test('a client that goes away is noticed while the source has nothing', async () => {
    const ended = Promise.withResolvers<unknown>()
    const url = await serve((_request, response) => {
      const hanging = async function* () {
        yield 1
        await new Promise(() => {})
      }
      from(hanging()).to(toResponse(response)).catch(ended.resolve)
    })
    const request = get(url)
    await once(request, 'response')
    request.destroy()
    expect(await ended.promise).toMatchObject({ code: 'HOTPATH_STREAM_SINK_FAILED' })
  })

  test('a response that somebody else has ended is not taken for a client that went away', async () => {
    const ended = Promise.withResolvers<unknown>()
    const url = await serve((_request, response) => {
      const sink = toResponse(response)
      void sink.write([1])
      response.end()
      Promise.resolve(sink.write([2])).catch(ended.resolve)
    })
    expect(await (await fetch(url)).text()).toBe('1\n')
    expect(await ended.promise).toMatchObject({
      code: 'HOTPATH_STREAM_SINK_FAILED',
      message: expect.stringContaining('somebody else has ended it'),
    })
  })

  test('a failure in the middle cuts the connection; before the first row the handler may answer', async () => {
    const torn = function* (rows: number) {
      yield* Array.from({ length: rows }, (_, at) => at)
      throw new Error('torn')
    }
    const url = await serve((request, response) => {
      from(torn(request.url === '/late' ? 2_000 : 0))
        .to(toResponse(response, { as: 'json' }))
        .catch((error: Error) => {
          if (!response.headersSent) response.writeHead(500).end(error.message)
        })
    })
    await expect(fetch(`${url}late`).then((answer) => answer.text())).rejects.toThrow(TypeError)
    const answer = await fetch(url)
    expect([answer.status, await answer.text()]).toEqual([500, 'torn'])
    expect(answer.headers.get('content-type')).toBeNull()
  })
})
