import fc from 'fast-check'
import { request as open, type IncomingHttpHeaders } from 'node:http'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { compressServers, type Answer, type CompressServer } from './compress-servers.ts'

// Whatever a handler sends comes out of the cache byte for byte, over a socket of each framework.

const letters = fc.constantFrom('x', 'é', '€', '😀', '\0', '\x80', '\ud800', '\udfff')
const bodies: fc.Arbitrary<string | Buffer> = fc.oneof(
  fc.constant(''),
  fc.string({ unit: 'binary' }),
  fc.tuple(letters, fc.integer({ min: 300, max: 9_000 })).map(([one, times]) => one.repeat(times)),
  fc
    .tuple(letters, fc.integer({ min: 15_990, max: 16_005 }))
    .map(([one, length]) => `<${one}${'y'.repeat(length)}>`.slice(1, -1)),
  fc.tuple(letters, fc.nat(9_000)).map(([one, times]) => Buffer.from(one.repeat(times))),
  fc.uint8Array({ maxLength: 100 }).map((some) => Buffer.from(some)),
  fc
    .integer({ min: 15_990, max: 16_005 })
    .map((length) => Buffer.alloc(length + 9, 0xe9).subarray(9)),
)

describe.each(Object.keys(compressServers))('a stored body on %s', (framework) => {
  let server: CompressServer
  let answer: Answer = {}
  let hosts = 0
  beforeAll(async () => {
    const started = await compressServers[framework]?.(() => answer, true, 60_000)
    if (started === undefined) throw new Error(framework)
    server = started
  })
  afterAll(() => server.close())

  test('is what the handler has sent', async () => {
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        const sent = Buffer.from(body as string)
        answer = { headers: { 'content-type': 'text/plain; charset=utf-8' }, body }
        const host = `host-${hosts++}.example`
        const ask = (accept: string, method = 'GET', more: Record<string, string> = {}) =>
          receive(`${server.url}/cached`, method, { host, 'accept-encoding': accept, ...more })
        const first = await ask('identity')
        expect(first.bytes.equals(sent)).toBe(true)
        await vi.waitUntil(async () => isHit(await ask('identity')), { interval: 1 })

        for (const accept of ['identity', 'gzip', 'gzip', 'br']) {
          const hit = await ask(accept)
          const { etag = '', 'content-length': length } = hit.headers
          expect(isHit(hit)).toBe(true)
          expect(hit.plain.equals(sent)).toBe(true)
          expect(length).toBe(String(hit.bytes.length))
          // The first that asks for a coding of a large body gets the bytes as they are.
          const head = await ask(accept, 'HEAD')
          expect(head.bytes).toHaveLength(0)
          if (head.headers['content-encoding'] === hit.headers['content-encoding']) {
            expect(head.headers).toMatchObject({ etag, 'content-length': length })
          }
          const unchanged = await ask(accept, 'GET', { 'if-none-match': etag })
          if (unchanged.status === 200) expect(unchanged.headers['etag']).not.toBe(etag)
          else expect([unchanged.status, unchanged.bytes.length]).toEqual([304, 0])
        }
      }),
      { numRuns: 40 },
    )
  })

  test('of no bytes at all is none', async () => {
    answer = { status: 204, headers: { 'cache-control': 'public, max-age=60' } }
    const host = `host-${hosts++}.example`
    const ask = () => receive(`${server.url}/cached`, 'GET', { host })
    expect((await ask()).status).toBe(204)
    await vi.waitUntil(async () => isHit(await ask()), { interval: 1 })
    const hit = await ask()
    expect([hit.status, hit.bytes.length]).toEqual([204, 0])
  })
})

interface Received {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** As they came. */
  readonly bytes: Buffer
  readonly plain: Buffer
}

function isHit({ headers }: Received): boolean {
  return headers['cache-status'] === 'hotpath; hit'
}

function receive(url: string, method: string, headers: Record<string, string>): Promise<Received> {
  return new Promise((resolve, reject) => {
    const asked = open(url, { method, headers }, (response) => {
      response.toArray().then((chunks) => {
        const { statusCode: status = 0, headers: received } = response
        const bytes = Buffer.concat(chunks as Buffer[])
        const decode = decoders[received['content-encoding'] ?? '']
        const plain = decode === undefined || bytes.length === 0 ? bytes : decode(bytes)
        resolve({ status, headers: received, bytes, plain })
      }, reject)
    })
    asked.on('error', reject).end()
  })
}

const decoders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
}
