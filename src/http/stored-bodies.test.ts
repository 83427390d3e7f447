import fc from 'fast-check'
import { hash } from 'node:crypto'
import { deserialize, serialize } from 'node:v8'
import type { IncomingHttpHeaders } from 'node:http'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { answerFrom, sendableBody, type ReadyAnswer } from './answer.ts'
import { encodeBody } from './encodings.ts'
import { addEncodings, storeResponse, type StoredResponse } from './stored-response.ts'

// Whatever a handler sends comes out byte for byte: from wherever it was kept, and in every coding.

/** Up to here a body is kept as a text. */
const border = 16_000

const letters = fc.constantFrom('x', 'é', '€', '😀', '\0', '\x80', '\ud800', '\udfff', '\r\n')
const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  // Halves of surrogate pairs among them, which have no bytes of their own.
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes)),
  fc.array(letters, { maxLength: 40 }).map((some) => some.join('')),
  fc
    .tuple(letters, fc.integer({ min: border - 8, max: border + 8 }))
    .map(([letter, length]) => letter + 'y'.repeat(length)),
  fc.tuple(letters, fc.integer({ min: border / 4, max: border })).map(([letter, length]) => {
    return letter.repeat(length)
  }),
)
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc
    .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: border - 3, max: border + 3 }))
    .map(([byte, length]) => new Uint8Array(length).fill(byte)),
)
const bodies: fc.Arbitrary<string | Buffer> = fc.oneof(
  fc.constant(''),
  texts,
  // A slice of a longer one, and a joint of two, as a serialiser leaves them.
  texts.map((text) => `[${text}]`.slice(1, -1)),
  // Small ones are slices of Node's pool.
  texts.map((text) => Buffer.from(text)),
  bytes.map((some) => Buffer.from(some)),
  bytes.map((some) => Buffer.concat([Buffer.alloc(3), some, Buffer.alloc(5)]).subarray(3, -5)),
)

/** What becomes of a response between the one who keeps it and the one who sends it. */
const ways: Readonly<Record<string, (stored: StoredResponse) => unknown>> = {
  memory: (stored) => stored,
  'a cache that clones': (stored): unknown => deserialize(serialize(stored)),
  'a cache that knows JSON': (stored): unknown => JSON.parse(JSON.stringify(stored)),
}

const decoders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
}

const asked = [undefined, 'gzip', 'br', 'zstd'].flatMap((coding) => [
  [coding, false] as const,
  [coding, 300] as const,
])

test.each(Object.keys(ways))('any body comes out of %s as it went in', async (way) => {
  await fc.assert(
    fc.asyncProperty(bodies, bodies, async (body, next) => {
      const sent = Buffer.from(Buffer.from(body as string))
      const etag = `"${hash('sha256', sent, 'base64url').slice(0, 27)}"`
      const made = store(body)
      addEncodings(made, await encodeBody(sent, ['gzip', 'br', 'zstd']))
      const kept = ways[way]?.(made) as StoredResponse
      // Neither the next one nor whoever owns the memory changes it.
      store(next)
      if (typeof body !== 'string') body.fill(0x2a)

      for (const [coding, padding] of asked) {
        const accept = coding === undefined ? {} : { 'accept-encoding': coding }
        const answerTo = (headers: IncomingHttpHeaders) =>
          answerFrom(kept, headers, {}, 0, undefined, padding)
        const answer = answerTo(accept)
        const head = headersOf(answer)
        const form = bytesSent(answer)
        const used = head['content-encoding']
        expect(head['content-length']).toBe(String(form.length))
        const weak = padding === false ? '' : 'W/'
        const own = used === undefined ? etag : `${weak}${etag.slice(0, -1)}-${used}"`
        expect(head['etag']).toBe(own)
        if (coding === 'br' && padding !== false) expect(used).toBeUndefined()
        expect((used === undefined ? form : decoders[used]?.(form))?.equals(sent)).toBe(true)
        // As `node:http` writes it.
        const { body: text = '', textEncoding = 'utf8' } = answer
        if (typeof text === 'string') expect(Buffer.from(text, textEncoding)).toEqual(form)

        const known = { ...accept, 'if-none-match': String(head['etag']) }
        const unchanged = answerTo(known)
        expect(unchanged).toMatchObject({ status: 304, body: undefined })
        expect(headersOf(unchanged)['etag']).toBe(head['etag'])
        expect(sendableBody(unchanged)).toBeUndefined()
      }
    }),
    { numRuns: 150 },
  )
})

function store(body: string | Buffer): StoredResponse {
  const headers = { 'content-type': 'text/plain; charset=utf-8' }
  const [etag, vary] = [undefined, undefined]
  const response = { status: 200, headers, body, etag, vary, isNegotiated: true }
  return storeResponse({ ...response, ageMs: 0, ttlMs: 1_000 }, {}, 0)
}

function bytesSent(answer: ReadyAnswer): Buffer {
  const body = sendableBody(answer) ?? ''
  return typeof body === 'string' ? Buffer.from(body) : body
}

function headersOf({ head }: ReadyAnswer): Readonly<Record<string, string>> {
  const pairs = head.flatMap((name, at) => (at % 2 === 0 ? [[name, head[at + 1] ?? '']] : []))
  return Object.fromEntries(pairs) as Record<string, string>
}
