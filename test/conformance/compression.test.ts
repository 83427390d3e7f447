import { randomBytes } from 'node:crypto'
import { request as open, type IncomingMessage } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import {
  brotliDecompressSync,
  createBrotliDecompress,
  createGunzip,
  createZstdDecompress,
  gunzipSync,
  zstdDecompressSync,
} from 'node:zlib'
import { afterEach, beforeAll, afterAll, describe, expect, test, vi } from 'vitest'
import { components } from '../../src/core/index.ts'
import { compressServers, type Answer, type CompressServer } from './compress-servers.ts'

const json = 'application/json; charset=utf-8'
const rows = JSON.stringify(
  Array.from({ length: 150 }, (_, id) => ({
    id,
    name: `user ${(id * 7_919) % 1_000}`,
    isOpen: true,
  })),
)
const small = JSON.stringify({ text: 'x'.repeat(900) })
const medium = JSON.stringify({ rows: rows.slice(0, 2_000) })
const large = JSON.stringify({ rows: Array.from({ length: 300 }, () => rows) })
const noise = randomBytes(5_000)

interface Received {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: readonly string[]
  readonly bytes: Buffer
  readonly text: string
}

interface Case {
  readonly about: string
  readonly answer: Answer
  readonly accept?: string
  readonly method?: string
  /** The coding that is sent; `undefined` for the body as it is. */
  readonly coding?: string
  /** `undefined`: there is none. */
  readonly vary?: string
  readonly etag?: string
}

const whole: Answer = { headers: { 'content-type': json }, body: rows }

/** The answer, with another head. */
function withHead(headers: Record<string, string>, body: string | Buffer = rows): Answer {
  return { headers: { 'content-type': json, ...headers }, body }
}

const negotiated: Case[] = [
  [undefined, undefined],
  ['', undefined],
  ['gzip', 'gzip'],
  ['br', 'br'],
  ['zstd', 'zstd'],
  ['deflate', undefined],
  ['compress, deflate', undefined],
  ['gzip, deflate, br, zstd', 'zstd'],
  ['gzip, deflate, br', 'br'],
  ['deflate, gzip', 'gzip'],
  ['GZIP', 'gzip'],
  ['x-gzip', 'gzip'],
  ['*', 'zstd'],
  ['*;q=0', undefined],
  ['gzip;q=0', undefined],
  ['gzip;q=0, *', 'zstd'],
  ['zstd;q=0, br;q=0, *', 'gzip'],
  ['gzip;q=0.000', undefined],
  ['gzip;q=0.5, br;q=0.8', 'br'],
  ['gzip;q=0.9, br;q=0.8, zstd;q=0.1', 'gzip'],
  ['gzip;q=high', undefined],
  ['identity', undefined],
  ['identity, gzip;q=0.5', undefined],
  ['identity;q=0.5, gzip', 'gzip'],
  ['identity;q=0', undefined],
  ['identity;q=0, gzip', 'gzip'],
  [' gzip ; q=1 , br ; q=0.2 ', 'gzip'],
].map(([accept, coding]) => ({
  about: `Accept-Encoding: ${accept ?? '(none)'}`,
  answer: whole,
  ...(accept === undefined ? {} : { accept }),
  ...(coding === undefined ? {} : { coding }),
  vary: 'Accept-Encoding',
}))

const types: Case[] = [
  ['application/json', true],
  ['Application/JSON; charset=utf-8', true],
  ['text/html', true],
  ['text/plain; charset=utf-8', true],
  ['text/x-made-up', true],
  ['application/problem+json', true],
  ['application/vnd.api.v7+json', true],
  ['application/xml', true],
  ['application/javascript', true],
  ['image/svg+xml', true],
  ['image/png', false],
  ['image/jpeg', false],
  ['video/mp4', false],
  ['font/woff2', false],
  ['application/zip', false],
  ['application/gzip', false],
  ['application/octet-stream', true],
  ['application/x-made-up', false],
].map(([type, isCompressible]) => ({
  about: `Content-Type: ${String(type)}`,
  answer: { headers: { 'content-type': String(type) }, body: Buffer.from(rows) },
  accept: 'gzip',
  ...(isCompressible === true ? { coding: 'gzip', vary: 'Accept-Encoding' } : {}),
}))

const heads: Case[] = [
  {
    about: 'Vary is kept',
    answer: withHead({ vary: 'Origin' }),
    coding: 'gzip',
    vary: 'Origin, Accept-Encoding',
  },
  {
    about: 'Vary is not repeated',
    answer: withHead({ vary: 'accept-encoding' }),
    coding: 'gzip',
    vary: 'accept-encoding',
  },
  {
    about: 'Vary in a list is not repeated',
    answer: withHead({ vary: 'Origin, Accept-Encoding' }),
    coding: 'gzip',
    vary: 'Origin, Accept-Encoding',
  },
  { about: 'Vary: * stays', answer: withHead({ vary: '*' }), coding: 'gzip', vary: '*' },
  {
    about: 'a strong entity tag becomes weak',
    answer: withHead({ etag: '"abc"' }),
    coding: 'gzip',
    vary: 'Accept-Encoding',
    etag: 'W/"abc"',
  },
  {
    about: 'a weak entity tag stays',
    answer: withHead({ etag: 'W/"abc"' }),
    coding: 'gzip',
    vary: 'Accept-Encoding',
    etag: 'W/"abc"',
  },
  {
    about: 'without a coding a strong entity tag stays',
    answer: withHead({ etag: '"abc"' }),
    accept: 'identity',
    vary: 'Accept-Encoding',
    etag: '"abc"',
  },
  { about: 'no-transform', answer: withHead({ 'cache-control': 'public, no-transform' }) },
  { about: 'No-Transform in capitals', answer: withHead({ 'cache-control': 'No-Transform' }) },
  {
    about: 'other directives',
    answer: withHead({ 'cache-control': 'public, max-age=60' }),
    coding: 'gzip',
    vary: 'Accept-Encoding',
  },
  { about: 'Content-Digest', answer: withHead({ 'content-digest': 'sha-256=:AAAA:' }) },
  { about: 'Repr-Digest', answer: withHead({ 'repr-digest': 'sha-256=:AAAA:' }) },
  { about: 'Content-MD5', answer: withHead({ 'content-md5': 'AAAA' }) },
  {
    about: 'Content-Encoding: identity',
    answer: withHead({ 'content-encoding': 'identity' }),
    coding: 'gzip',
    vary: 'Accept-Encoding',
  },
  { about: 'below the minimum', answer: withHead({}, small) },
  { about: 'one byte below the minimum', answer: withHead({}, 'x'.repeat(999)) },
  {
    about: 'at the minimum',
    answer: withHead({}, 'x'.repeat(1_000)),
    coding: 'gzip',
    vary: 'Accept-Encoding',
  },
  {
    about: 'letters of several bytes count as bytes',
    answer: withHead({}, 'é'.repeat(500)),
    coding: 'gzip',
    vary: 'Accept-Encoding',
  },
  {
    about: 'a small body is gzip where all are liked alike',
    answer: withHead({}, medium),
    accept: 'gzip, br, zstd',
    coding: 'gzip',
    vary: 'Accept-Encoding',
  },
  {
    about: 'what does not become smaller',
    answer: { headers: { 'content-type': 'text/plain' }, body: noise },
    vary: 'Accept-Encoding',
  },
  {
    about: 'a large body, on a thread',
    answer: withHead({}, large),
    coding: 'gzip',
    vary: 'Accept-Encoding',
  },
  {
    about: 'a large body as br',
    answer: withHead({}, large),
    accept: 'br',
    coding: 'br',
    vary: 'Accept-Encoding',
  },
  {
    about: 'a large body as zstd',
    answer: withHead({}, large),
    accept: 'zstd',
    coding: 'zstd',
    vary: 'Accept-Encoding',
  },
  {
    about: 'an error is compressed too',
    answer: { ...whole, status: 500 },
    coding: 'gzip',
    vary: 'Accept-Encoding',
  },
  { about: '404', answer: { ...whole, status: 404 }, coding: 'gzip', vary: 'Accept-Encoding' },
  { about: '204', answer: { status: 204, headers: { 'content-type': json } } },
  {
    about: '304',
    answer: { status: 304, headers: { 'content-type': json, etag: '"abc"' } },
    etag: '"abc"',
  },
  {
    about: '206',
    answer: { status: 206, ...withHead({ 'content-range': `bytes 0-${rows.length - 1}/99999` }) },
  },
  { about: 'an empty body', answer: { headers: { 'content-type': json }, body: '' } },
].map((one) => ({ accept: 'gzip', ...one }))

describe.each(Object.keys(compressServers))('compression on %s', (framework) => {
  let server: CompressServer
  let answer: Answer = whole
  beforeAll(async () => {
    const started = await compressServers[framework]?.(() => answer)
    if (started === undefined) throw new Error(framework)
    server = started
  })
  afterAll(() => server.close())

  const ask = (accept: string | undefined, path = '/some', method = 'GET'): Promise<Received> =>
    receive(server.url + path, accept, method)

  test.each([...negotiated, ...types, ...heads])('$about', async (one) => {
    answer = one.answer
    const got = await ask(one.accept)
    const body = one.answer.body ?? ''
    expect(got.status).toBe(one.answer.status ?? 200)
    expect(got.headers['content-encoding'] ?? 'identity').toBe(one.coding ?? 'identity')
    expect(got.headers['vary']).toBe(one.vary)
    expect(got.rawHeaders.filter((name) => /^vary$/i.test(name)).length).toBeLessThan(2)
    expect(got.headers['etag']).toBe(one.etag)
    if (typeof body === 'string') expect(got.text).toBe(body)
    else expect(got.bytes.equals(body as Buffer) || got.text === String(body)).toBe(true)
    const hasBody = ![204, 304].includes(got.status)
    // Whole bodies have a length, and it is right.
    if (hasBody) expect(got.headers['content-length']).toBe(String(got.bytes.length))
  })

  test.each([
    ['of some length', rows],
    ['on a thread', large],
  ])('what no route answers is compressed as well, %s', async (_, body) => {
    answer = { status: 404, ...withHead({ etag: '"abc"' }, body) }
    const got = await ask('gzip', '/nowhere')
    expect(got.status).toBe(404)
    expect(got.headers).toMatchObject({
      'content-encoding': 'gzip',
      'content-length': String(got.bytes.length),
      vary: 'Accept-Encoding',
      etag: 'W/"abc"',
    })
    expect(got.text).toBe(body)
    const plain = await ask(undefined, '/nowhere')
    expect(plain.headers['content-encoding']).toBeUndefined()
    expect(plain.text).toBe(body)
    const head = await ask('gzip', '/nowhere', 'HEAD')
    expect([head.status, head.bytes.length]).toEqual([404, 0])
  })

  test('what is encoded already is left alone', async () => {
    const encoded = Buffer.from(zstdlike(rows))
    answer = { headers: { 'content-type': json, 'content-encoding': 'gzip' }, body: encoded }
    const got = await ask('gzip, br')
    expect(got.headers['content-encoding']).toBe('gzip')
    expect(got.bytes.equals(encoded)).toBe(true)
    expect(got.headers['vary']).toBeUndefined()
  })

  test.each([
    ['gzip', 'gzip', rows],
    ['identity', undefined, rows],
    ['gzip', undefined, small],
  ])('HEAD with %s is as GET', async (accept, coding, body) => {
    answer = withHead({ etag: '"abc"' }, body)
    const [get, head] = [await ask(accept), await ask(accept, '/some', 'HEAD')]
    expect(head.bytes).toHaveLength(0)
    const shown = ({ headers }: Received) => {
      const { date: _, 'content-length': length, connection: __, ...rest } = headers
      return coding === undefined ? { ...rest, length } : rest
    }
    expect(shown(head)).toEqual(shown(get))
    expect(head.headers['content-encoding']).toBe(coding)
  })

  describe.each([
    ['gzip', createGunzip],
    ['br', createBrotliDecompress],
    ['zstd', createZstdDecompress],
  ])('a stream of %s', (coding, createDecoder) => {
    test.each([json, 'text/event-stream'])(
      'of %s: each piece can be read before the next is made',
      async (type) => {
        let release: () => void = () => {}
        answer = {
          headers: { 'content-type': type },
          async *body() {
            for (let piece = 0; piece < 5; piece++) {
              yield `data: piece ${piece}\n\n`
              await new Promise<void>((resolve) => (release = resolve))
            }
          },
        }
        const response = await responseOf(server.url, coding)
        expect(response.headers['content-encoding']).toBe(coding)
        expect(response.headers['content-length']).toBeUndefined()
        expect(response.headers['vary']).toBe('Accept-Encoding')
        const decoder = response.pipe(createDecoder())
        let text = ''
        decoder.on('data', (chunk) => (text += String(chunk)))
        for (let piece = 0; piece < 5; piece++) {
          await vi.waitUntil(() => text.endsWith(`data: piece ${piece}\n\n`), { interval: 1 })
          release()
        }
        await new Promise((resolve) => decoder.once('end', resolve))
        expect(text.match(/piece/g)).toHaveLength(5)
      },
    )

    test('that is longer than all buffers arrives whole, however slowly it is read', async () => {
      let made = 0
      answer = {
        headers: { 'content-type': json },
        async *body() {
          for (; made < 400; made++) yield randomBytes(8_192).toString('hex')
        },
      }
      const response = await responseOf(server.url, coding)
      let length = 0
      for await (const chunk of response.pipe(createDecoder())) {
        length += (chunk as Buffer).length
        await turn()
      }
      expect(length).toBe(400 * 16_384)
    })
  })

  test('whoever does not read holds the source back', async () => {
    let made = 0
    answer = {
      headers: { 'content-type': json },
      async *body() {
        for (; made < 4_000; made++) yield randomBytes(8_192).toString('hex')
      },
    }
    const response = await responseOf(server.url, 'gzip')
    response.pause()
    await vi.waitUntil(async () => {
      const before = made
      for (let turns = 0; turns < 200; turns++) await turn()
      return before === made
    })
    expect(made).toBeLessThan(2_000)
    response.destroy()
  })

  test('a client that goes ends the source', async () => {
    let isOver = false
    answer = {
      headers: { 'content-type': json },
      async *body() {
        try {
          for (;;) {
            yield randomBytes(1_024).toString('hex')
            await turn()
          }
        } finally {
          isOver = true
        }
      },
    }
    const response = await responseOf(server.url, 'gzip')
    response.once('data', () => response.destroy())
    await vi.waitUntil(() => isOver)
  })

  test('a source that fails ends the response early', async () => {
    answer = {
      headers: { 'content-type': json },
      async *body() {
        yield randomBytes(50_000).toString('hex')
        await turn()
        throw new Error('the database went away')
      },
    }
    const response = await responseOf(server.url, 'gzip')
    if (response.statusCode === 500) {
      // Fastify had not sent anything yet.
      expect(response.headers['content-encoding']).toBeUndefined()
      expect(JSON.parse(String(await response.toArray()))).toMatchObject({ statusCode: 500 })
      return
    }
    const outcome = new Promise((resolve) => {
      response.once('error', () => resolve('failed')).once('end', () => resolve('ended'))
    })
    response.resume()
    expect(await outcome).toBe('failed')
  })

  test('HEAD of a stream sends its head', async () => {
    answer = {
      headers: { 'content-type': json },
      async *body() {
        yield rows
      },
    }
    const head = await ask('gzip', '/some', 'HEAD')
    expect(head.status).toBe(200)
    expect(head.bytes).toHaveLength(0)
    expect(head.headers['vary']).toBe('Accept-Encoding')
  })

  test('many clients that go while a thread works leave nothing behind', async () => {
    answer = withHead({}, large)
    await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        const asked = open(`${server.url}/some`, { headers: { 'accept-encoding': 'gzip' } })
        asked.on('error', () => {})
        asked.end()
        await new Promise((resolve) => asked.once('socket', resolve))
        for (let turns = 0; turns < index; turns++) await turn()
        asked.destroy()
      }),
    )
    const stats = () =>
      components()
        .filter(({ kind }) => kind === 'compressor')
        .map((one) => one.stats() as { running: number; waiting: number })
    await vi.waitUntil(
      () => stats().every(({ running, waiting }) => running + waiting === 0),
      10_000,
    )
    expect((await ask('gzip')).text).toBe(large)
  })
})

describe.each(Object.keys(compressServers))('with a cache, on %s', (framework) => {
  const opened: CompressServer[] = []
  afterEach(async () => {
    for (const server of opened.splice(0)) await server.close()
  })

  test('each stored form is compressed once, and has an entity tag of its own', async () => {
    const started = await compressServers[framework]?.(() => whole, true, 60_000)
    if (started === undefined) throw new Error(framework)
    opened.push(started)
    const first = await receive(`${started.url}/cached`, 'gzip')
    expect(first.text).toBe(rows)
    expect(first.headers['content-encoding']).toBe('gzip')
    const compressor = components().findLast(({ kind }) => kind === 'compressor')
    const bodies = () => (compressor?.stats() as { bodies: number } | undefined)?.bodies
    await vi.waitUntil(async () => {
      const { headers } = await receive(`${started.url}/cached`, 'gzip')
      return headers['cache-status'] === 'hotpath; hit'
    })
    const before = bodies()
    for (const accept of ['gzip', 'br', 'gzip', 'identity']) {
      const hit = await receive(`${started.url}/cached`, accept)
      expect(hit.headers['cache-status']).toBe('hotpath; hit')
      expect(hit.headers['content-encoding'] ?? 'identity').toBe(accept)
      expect(hit.headers['vary']).toBe('Accept-Encoding')
      expect(hit.text).toBe(rows)
      const again = await receive(`${started.url}/cached`, accept, 'GET', {
        'if-none-match': hit.headers['etag'] ?? '',
      })
      expect(again.status).toBe(304)
    }
    expect(bodies()).toBe(before)
  })
})

test.each(Object.keys(compressServers))('padding differs between hits on %s', async (framework) => {
  const server = await compressServers[framework]?.(
    () => whole,
    { breachPaddingBytes: 200 },
    60_000,
  )
  const url = `${server?.url ?? ''}/cached`
  await vi.waitUntil(async () => {
    const { headers } = await receive(url, 'gzip')
    return headers['cache-status'] === 'hotpath; hit'
  })
  const lengths = new Set<number>()
  for (let time = 0; time < 20; time++) {
    const hit = await receive(url, 'br, gzip')
    expect(hit.headers['cache-status']).toBe('hotpath; hit')
    expect(hit.headers['content-encoding']).toBe('gzip')
    expect(hit.headers['content-length']).toBe(String(hit.bytes.length))
    expect(hit.text).toBe(rows)
    lengths.add(hit.bytes.length)
    // Another form than the next one has, and the same answer.
    const etag = hit.headers['etag'] ?? ''
    expect(etag).toMatch(/^W\/"/)
    expect((await receive(url, 'gzip', 'GET', { 'if-none-match': etag })).status).toBe(304)
  }
  expect(lengths.size).toBeGreaterThan(5)
  expect((await receive(url, 'br')).headers['content-encoding']).toBeUndefined()
  await server?.close()
})

test('Fastify leaves a route out that says so', async () => {
  const server = await compressServers['fastify']?.(() => whole)
  const got = await receive(`${server?.url ?? ''}/off`, 'gzip')
  expect(got.headers['content-encoding']).toBeUndefined()
  expect(got.headers['vary']).toBeUndefined()
  await server?.close()
})

test.each(['gzip', 'zstd'])('padding hides the length of %s', async (coding) => {
  const server = await compressServers['node:http']?.(() => whole, { breachPaddingBytes: 200 })
  const lengths = new Set<number>()
  for (let time = 0; time < 20; time++) {
    const got = await receive(`${server?.url ?? ''}/`, `br, ${coding}`)
    expect(got.headers['content-encoding']).toBe(coding)
    expect(got.text).toBe(rows)
    lengths.add(got.bytes.length)
  }
  expect(lengths.size).toBeGreaterThan(5)
  await server?.close()
})

function zstdlike(text: string): Buffer {
  return Buffer.from([...Buffer.from(text)].toReversed())
}

function responseOf(url: string, accept: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    open(`${url}/some`, { headers: { 'accept-encoding': accept } }, resolve)
      .on('error', reject)
      .end()
  })
}

function receive(
  url: string,
  accept: string | undefined,
  method = 'GET',
  more: Record<string, string> = {},
): Promise<Received> {
  const headers = accept === undefined ? more : { 'accept-encoding': accept, ...more }
  return new Promise((resolve, reject) => {
    open(url, { method, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const bytes = Buffer.concat(chunks)
        const { statusCode: status = 0, rawHeaders } = response
        const text = bytes.length === 0 ? '' : decoded(bytes, response.headers['content-encoding'])
        resolve({ status, headers: response.headers, rawHeaders, bytes, text })
      })
    })
      .on('error', reject)
      .end()
  })
}

function decoded(bytes: Buffer, coding: string | undefined): string {
  try {
    if (coding === 'gzip') return gunzipSync(bytes).toString()
    if (coding === 'br') return brotliDecompressSync(bytes).toString()
    if (coding === 'zstd') return zstdDecompressSync(bytes).toString()
  } catch {
    return `not ${String(coding)}`
  }
  return bytes.toString()
}
