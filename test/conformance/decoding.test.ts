import { randomBytes } from 'node:crypto'
import { Agent, request as open, type IncomingHttpHeaders } from 'node:http'
import zlib, { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { decodeServers, type DecodeServer, type Seen } from './decode-servers.ts'

const maxBytes = 1_048_576
const text = Buffer.from(JSON.stringify({ rows: Array.from({ length: 400 }, (_, id) => ({ id })) }))
const atLimit = Buffer.from(randomBytes(maxBytes / 2).toString('hex'))
const overLimit = Buffer.concat([atLimit, Buffer.from('x')])
const gibibyte = 2 ** 30

const codings = {
  gzip: (body: Buffer) => gzipSync(body, { level: 1 }),
  br: (body: Buffer) => brotliCompressSync(body, fastBrotli),
  zstd: (body: Buffer) => zstdCompressSync(body),
}
const fastBrotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }

/** A frame of zstd that says nothing (RFC 8878, 3.1.2). */
function padding(length: number): Buffer {
  const frame = Buffer.alloc(8 + length, 0x28)
  frame.writeUInt32LE(0x184d2a5f, 0)
  frame.writeUInt32LE(length, 4)
  return frame
}

const zstd = codings.zstd(text)
const padded: Case[] = [
  { about: 'padded behind', parts: [zstd, padding(50)], becomes: text },
  { about: 'padded before', parts: [padding(50), zstd], becomes: text },
  { about: 'padded everywhere', parts: [padding(0), padding(9), zstd, padding(70_000)] },
  { about: 'of padding alone', parts: [padding(9)], becomes: Buffer.alloc(0) },
  { about: 'padded to the limit', parts: [zstd, padding(maxBytes - 8)] },
  { about: 'padded above the limit', parts: [zstd, padding(maxBytes - 7)], becomes: 413 as const },
  {
    about: 'padded, and cut short',
    parts: [zstd, padding(9).subarray(0, -1)],
    becomes: 400 as const,
  },
  {
    about: 'cut in the head of a padding',
    parts: [zstd, padding(9).subarray(0, 5)],
    becomes: 400 as const,
  },
  {
    about: 'cut in the name of a padding',
    parts: [zstd, padding(9).subarray(0, 3)],
    becomes: 400 as const,
  },
  { about: 'padding and a second body', parts: [zstd, padding(9), zstd], becomes: 400 as const },
  {
    about: 'padding and a bomb',
    parts: [padding(900), codings.zstd(Buffer.alloc(500_000))],
    becomes: 413 as const,
  },
].map(({ about, parts, becomes = text }) => {
  return { about, coding: 'zstd', body: () => Buffer.concat(parts), becomes }
})

/** Ended, so that only their number is wrong. */
const emptyBlocks = Buffer.concat([Buffer.alloc(3 * 900_000), Buffer.from([1, 0, 0])])

/** A thousand million zeros, in each coding. */
const bombs = {
  // Members of gzip may follow each other (RFC 1952, 2.2).
  gzip: () => repeated(gzipSync(Buffer.alloc(2 ** 20)), 1_024),
  br: () => pressed(zlib.createBrotliCompress(fastBrotli)),
  zstd: () => pressed(zlib.createZstdCompress()),
}

interface Case {
  readonly about: string
  readonly coding: string
  readonly body: () => Buffer | Promise<Buffer>
  /** The decoded body, or the status of the refusal. */
  readonly becomes: Buffer | 400 | 413 | 415
}

const names = Object.keys(codings) as (keyof typeof codings)[]
const cases: Case[] = [
  ...names.flatMap((coding): Case[] => {
    const encode = codings[coding]
    const damaged = () => {
      const body = encode(text)
      body.fill(0xaa, body.length >> 1)
      return body
    }
    return [
      { about: 'a body', coding, body: () => encode(text), becomes: text },
      { about: 'of no bytes', coding, body: () => Buffer.alloc(0), becomes: Buffer.alloc(0) },
      {
        about: 'nothing, encoded',
        coding,
        body: () => encode(Buffer.alloc(0)),
        becomes: Buffer.alloc(0),
      },
      { about: 'exactly at the limit', coding, body: () => encode(atLimit), becomes: atLimit },
      { about: 'a byte above the limit', coding, body: () => encode(overLimit), becomes: 413 },
      { about: 'cut short', coding, body: () => encode(text).subarray(0, -9), becomes: 400 },
      {
        about: 'cut to three bytes',
        coding,
        body: () => encode(text).subarray(0, 3),
        becomes: 400,
      },
      { about: 'damaged', coding, body: damaged, becomes: 400 },
      { about: 'not encoded', coding, body: () => text, becomes: 400 },
      {
        about: 'with bytes behind its end',
        coding,
        body: () => Buffer.concat([encode(text), Buffer.from('GET /admin HTTP/1.1')]),
        becomes: 400,
      },
      {
        about: '60 KB of zeros',
        coding,
        body: () => encode(Buffer.alloc(60_000)),
        becomes: Buffer.alloc(60_000),
      },
      { about: '500 KB of zeros', coding, body: () => encode(Buffer.alloc(500_000)), becomes: 413 },
      { about: 'a gibibyte of zeros', coding, body: bombs[coding], becomes: 413 },
    ]
  }),
  ...names.flatMap((outer) =>
    names.map((inner): Case => {
      const body = () => codings[outer](codings[inner](text))
      return { about: 'one in the other', coding: `${inner}, ${outer}`, body, becomes: text }
    }),
  ),
  {
    about: 'a bomb in another',
    coding: 'gzip, gzip',
    body: () => gzipSync(bombs.gzip()),
    becomes: 413,
  },
  {
    about: 'three',
    coding: 'gzip, br, zstd',
    body: () => codings.zstd(codings.br(codings.gzip(text))),
    becomes: text,
  },
  ...padded,
  {
    about: 'blocks of nothing',
    coding: 'zstd',
    // Magic number, no content size, a window, and blocks that are raw, empty and not the last.
    body: () => Buffer.concat([Buffer.from('28b52ffd0058', 'hex'), emptyBlocks]),
    becomes: 413,
  },
  {
    about: 'members of nothing',
    coding: 'gzip',
    body: () => repeated(gzipSync(Buffer.alloc(0)), 150_000),
    becomes: 413,
  },
  {
    about: 'padded in both',
    coding: 'zstd, zstd',
    body: () =>
      Buffer.concat([padding(7), codings.zstd(Buffer.concat([zstd, padding(8)])), padding(9)]),
    becomes: text,
  },
  {
    about: 'nothing but padding in another',
    coding: 'zstd, gzip',
    body: () => gzipSync(padding(8)),
    becomes: Buffer.alloc(0),
  },
  {
    about: 'four',
    coding: 'gzip, gzip, gzip, gzip',
    body: () => gzipSync(gzipSync(gzipSync(gzipSync(text)))),
    becomes: 415,
  },
  {
    about: 'in the wrong order',
    coding: 'gzip, br',
    body: () => gzipSync(brotliCompressSync(text)),
    becomes: 400,
  },
  { about: 'identity', coding: 'identity', body: () => text, becomes: text },
  { about: 'the old name', coding: 'x-gzip', body: () => gzipSync(text), becomes: text },
  { about: 'in capitals', coding: 'GZip', body: () => gzipSync(text), becomes: text },
  { about: 'with identity', coding: 'identity, gzip', body: () => gzipSync(text), becomes: text },
  { about: 'deflate', coding: 'deflate', body: () => zlib.deflateSync(text), becomes: 415 },
  { about: 'made up', coding: 'made-up', body: () => text, becomes: 415 },
  { about: 'known and made up', coding: 'gzip, made-up', body: () => text, becomes: 415 },
]

describe.each(Object.keys(decodeServers))('decoding on %s', (framework) => {
  const errors: Error[] = []
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  let server: DecodeServer
  beforeAll(async () => {
    const started = await decodeServers[framework]?.({ maxBytes }, (error) => errors.push(error))
    if (started === undefined) throw new Error(framework)
    server = started
  })
  afterAll(async () => {
    agent.destroy()
    await server.close()
  })

  describe.each([true, false])('with a length: %s', (hasLength) => {
    test.each(cases)('$coding: $about', async ({ coding, body, becomes }) => {
      errors.length = 0
      const sent = await body()
      const answer = await post(server.url, coding, sent, hasLength, agent)
      if (typeof becomes === 'number') {
        expect(answer.status).toBe(becomes)
        expect(answer.headers['content-type']).toBe('application/problem+json')
        expect(JSON.parse(answer.text)).toMatchObject({
          status: becomes,
          detail: expect.any(String),
        })
        if (becomes === 415) expect(answer.headers['accept-encoding']).toBe('gzip, br, zstd')
        else await vi.waitUntil(() => errors.length === 1)
      } else {
        expect(answer.status, answer.text).toBe(200)
        const seen = JSON.parse(answer.text) as Seen
        expect(seen.length).toBe(becomes.length)
        expect(seen.start).toBe(becomes.toString('latin1', 0, 30))
        if (becomes.length > 0 && coding !== 'identity') expect(seen.coding).toBeUndefined()
        expect(errors).toEqual([])
      }
      // On the same connection.
      const next = await post(server.url, 'gzip', gzipSync(text), true, agent)
      expect(JSON.parse(next.text)).toMatchObject({ length: text.length })
    })
  })

  test('a bomb takes no more memory than any other body', async () => {
    const bomb = await bombs.zstd()
    const before = process.memoryUsage().rss
    for (let time = 0; time < 20; time++) await post(server.url, 'zstd', bomb, true, agent)
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000)
  })

  test('a client that goes in the middle ends the reading', async () => {
    errors.length = 0
    const body = gzipSync(randomBytes(500_000))
    const headers = { 'content-encoding': 'gzip', 'content-length': body.length }
    const asked = open(server.url, { method: 'POST', headers })
    asked.on('error', () => {})
    await new Promise((resolve) => asked.write(body.subarray(0, 200_000), resolve))
    const next = await post(server.url, 'gzip', gzipSync(text), true, agent)
    expect(next.status).toBe(200)
    asked.destroy()
    await vi.waitUntil(() => errors.length === 1)
  })
})

test.each(Object.keys(decodeServers))('%s decodes nothing unless asked to', async (framework) => {
  const server = await decodeServers[framework]?.(false)
  if (server === undefined) throw new Error(framework)
  const answer = await post(server.url, 'made-up', text, true)
  // Body-parser knows codings by itself, and refuses this one.
  if (framework.includes('body-parser')) expect(answer.status).toBe(500)
  else expect(JSON.parse(answer.text)).toMatchObject({ length: text.length, coding: 'made-up' })
  await server.close()
})

test('a wrong option is refused', async () => {
  for (const options of [{ maxBytes: 0 }, { maxRatio: 0.5 }, { maxSize: 1 } as object]) {
    await expect(decodeServers['hono']?.(options)).rejects.toMatchObject({
      code: 'HOTPATH_OPTION_INVALID',
    })
    await expect(decodeServers['fastify']?.(options)).rejects.toMatchObject({
      code: 'HOTPATH_OPTION_INVALID',
    })
  }
})

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

function post(
  url: string,
  coding: string,
  body: Buffer,
  hasLength: boolean,
  agent?: Agent,
): Promise<Answer> {
  const length = hasLength ? { 'content-length': body.length } : { 'transfer-encoding': 'chunked' }
  const headers = { 'content-type': 'text/x-test', 'content-encoding': coding, ...length }
  return new Promise((resolve, reject) => {
    const asked = open(url, { method: 'POST', headers, ...(agent === undefined ? {} : { agent }) })
    asked.on('error', reject)
    asked.on('response', (response) => {
      response.toArray().then((chunks) => {
        const { statusCode: status = 0, headers: received } = response
        resolve({ status, headers: received, text: Buffer.concat(chunks as Buffer[]).toString() })
      }, reject)
    })
    asked.end(body)
  })
}

function repeated(body: Buffer, times: number): Buffer {
  return Buffer.concat(Array.from({ length: times }, () => body))
}

const pressedOnce = new Map<string, Promise<Buffer>>()

/** Zeros, through an encoder; once for each kind of it. */
function pressed(encoder: zlib.BrotliCompress | zlib.ZstdCompress): Promise<Buffer> {
  const kind = encoder.constructor.name
  const made = pressedOnce.get(kind) ?? press(encoder)
  pressedOnce.set(kind, made)
  return made
}

async function press(encoder: zlib.BrotliCompress | zlib.ZstdCompress): Promise<Buffer> {
  const zeros = Buffer.alloc(2 ** 24)
  const reading = encoder.toArray() as Promise<Buffer[]>
  for (let bytes = 0; bytes < gibibyte; bytes += zeros.length) {
    await new Promise((resolve) => encoder.write(zeros, resolve))
  }
  encoder.end()
  return Buffer.concat(await reading)
}
