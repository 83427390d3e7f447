import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { ask, open } from './client.ts'
import { counted, hit, stored, type Suite } from './suite.ts'

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
const bytes = { 'content-type': 'application/octet-stream' }

/** Bodies arrive byte by byte as the handler has sent them, whether they are kept or not. */
export function bodies({ start, differences }: Suite): void {
  test.each<[string, string | Buffer]>([
    ['all 256 bytes', everyByte],
    ['no bytes', ''],
    ['a text that is not ASCII', 'grüße, 世界 🙂'],
    ['a megabyte', randomBytes(1_000_000)],
  ])('%s', async (_, body) => {
    const { port } = await start({
      cache: { maxBodyBytes: 1_000_000 },
      handler: () => ({ headers: bytes, body }),
    })
    for (const verdict of [stored, hit]) {
      const answer = await ask(port)
      expect(answer.verdict).toBe(verdict)
      expect(answer.body.equals(Buffer.from(body))).toBe(true)
      expect(answer.headers['content-length']).toBe(String(Buffer.byteLength(body)))
    }
  })

  test('a 204 has none, and is kept where it says for how long', async () => {
    const { port } = await start({
      handler: () => ({ status: 204, headers: { 'cache-control': 'max-age=60' } }),
    })
    for (const verdict of [stored, hit]) {
      const { status, body, ...answer } = await ask(port)
      expect([status, body.length, answer.verdict]).toEqual([204, 0, verdict])
    }
  })

  test('memory that the handler uses again is not what is kept', async () => {
    const buffer = Buffer.from('first')
    const { port } = await start({ handler: () => ({ headers: bytes, body: [buffer] }) })
    await ask(port)
    buffer.write('other')
    expect((await ask(port)).text).toBe(differences.keepsPieces ? 'first' : 'other')
  })

  test('several writes within one turn are one body', async () => {
    const pieces = [Buffer.from('one '), everyByte, Buffer.from(' three')]
    const { port } = await start({ handler: () => ({ headers: bytes, body: pieces }) })
    const verdicts = differences.keepsPieces
      ? [stored, hit]
      : Array(2).fill('hotpath; fwd=uri-miss; detail=stream')
    for (const verdict of verdicts) {
      const answer = await ask(port)
      expect(answer.verdict).toBe(verdict)
      expect(answer.body.equals(Buffer.concat(pieces))).toBe(true)
    }
  })

  test('a stream is passed on while it is being made', async () => {
    const gate = Promise.withResolvers<void>()
    async function* slowly() {
      yield Buffer.from('one ')
      await gate.promise
      yield Buffer.from('two')
    }
    const { handler, runs } = counted(() => ({ headers: bytes, body: Readable.from(slowly()) }))
    const { port } = await start({ handler })
    const response = await open(port).response
    const [first] = await once(response, 'data')
    expect(String(first)).toBe('one ')
    gate.resolve()
    const [second] = await once(response, 'data')
    expect(String(second)).toBe('two')
    expect(response.headers['cache-status']).toBe('hotpath; fwd=uri-miss; detail=stream')
    expect((await ask(port)).text).toBe('one two')
    expect(runs()).toBe(2)
  })

  test('who has what is streamed already gets a 304, and the stream is read no further', async () => {
    const { port } = await start({
      handler: () => ({
        headers: { ...bytes, etag: '"mine"' },
        body: Readable.from([everyByte, everyByte], { objectMode: false }),
      }),
    })
    for (let time = 0; time < 2; time++) {
      const known = await ask(port, { headers: { 'if-none-match': '"mine"' } })
      expect([known.status, known.body.length]).toEqual([304, 0])
      const other = await ask(port, { headers: { 'if-none-match': '"other"' } })
      expect(other.body.equals(Buffer.concat([everyByte, everyByte]))).toBe(true)
    }
  })

  test('a long stream arrives whole', async () => {
    const pieces = Array.from({ length: 80 }, () => randomBytes(100_000))
    const { port } = await start({
      handler: () => ({ headers: bytes, body: Readable.from(pieces, { objectMode: false }) }),
    })
    const answer = await ask(port)
    expect(answer.body.equals(Buffer.concat(pieces))).toBe(true)
    expect(answer.verdict).toMatch(/^hotpath; fwd=uri-miss; detail=(stream|too-large)$/)
  })

  test.each<[string, string | Buffer | readonly Buffer[]]>([
    ['text', 'x'.repeat(1_001)],
    ['bytes', randomBytes(1_001)],
    ['pieces', [randomBytes(700), randomBytes(700), randomBytes(200_000)]],
  ])('what is larger than the limit is passed on, as %s', async (_, body) => {
    const { handler, runs } = counted(() => ({ headers: bytes, body }))
    const { port } = await start({ cache: { maxBodyBytes: 1_000 }, handler })
    const isPieces = Array.isArray(body)
    const whole = isPieces ? Buffer.concat(body) : Buffer.from(body as string | Buffer)
    for (let time = 0; time < 2; time++) {
      const answer = await ask(port)
      expect(answer.body.equals(whole)).toBe(true)
      const detail = isPieces && !differences.keepsPieces ? 'stream' : 'too-large'
      expect(answer.verdict).toBe(`hotpath; fwd=uri-miss; detail=${detail}`)
    }
    expect(runs()).toBe(2)
  })

  test('who has what is not kept already gets a 304 for that, too', async () => {
    const { port } = await start({
      cache: { maxBodyBytes: 10 },
      handler: () => ({ headers: { ...bytes, etag: '"mine"' }, body: 'x'.repeat(100) }),
    })
    const answer = await ask(port, { headers: { 'if-none-match': '"mine"' } })
    expect([answer.status, answer.body.length]).toEqual([304, 0])
    expect(answer.headers['content-length']).toBeUndefined()
    expect((await ask(port)).text).toBe('x'.repeat(100))
  })

  describe.each(['before', 'behind'] as const)('with compression %s the step', (gzip) => {
    const text = 'a text that compresses well. '.repeat(100)
    const accepts = { headers: { 'accept-encoding': 'gzip' } }

    test('every answer decodes to what the handler has made', async () => {
      const { handler, runs } = counted(() => ({
        headers: { 'content-type': 'text/plain' },
        body: text,
      }))
      const { port } = await start({ gzip, handler })
      for (let time = 0; time < 3; time++) {
        const answer = await ask(port, accepts)
        expect(answer.headers['content-encoding']).toBe('gzip')
        expect(gunzipSync(answer.body).toString()).toBe(text)
        expect(answer.headers['vary']).toMatch(/accept-encoding/i)
      }
      if (differences.keepsCompressed[gzip]) {
        expect((await ask(port, accepts)).verdict).toBe(hit)
        expect(runs()).toBe(1)
      }
    })

    test('who has the bytes already gets a 304 without a word of an encoding', async () => {
      const { port } = await start({
        gzip,
        handler: () => ({ headers: { 'content-type': 'text/plain', etag: '"mine"' }, body: text }),
      })
      for (let time = 0; time < 2; time++) {
        const answer = await ask(port, {
          headers: { ...accepts.headers, 'if-none-match': '"mine"' },
        })
        expect([answer.status, answer.body.length]).toEqual([304, 0])
        expect(answer.headers['content-encoding']).toBeUndefined()
      }
    })

    test('HEAD has no body', async () => {
      const { port } = await start({
        gzip,
        handler: () => ({ headers: { 'content-type': 'text/plain' }, body: text }),
      })
      for (let time = 0; time < 2; time++) {
        const answer = await ask(port, { ...accepts, method: 'HEAD' })
        expect([answer.status, answer.body.length]).toEqual([200, 0])
        await ask(port, accepts)
      }
    })
  })
}
