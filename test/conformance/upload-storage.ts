import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request as open } from 'node:http'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  createUploadStore,
  type UploadReference,
  type UploadStorage,
  type UploadStore,
} from '../../src/tasks/index.ts'
import { uploadServers } from '../uploads/upload-servers.ts'
import type { ListeningServer } from './listening.ts'

const mebibyte = 2 ** 20
const maxBytes = 4 * mebibyte

/** A storage, as the suite needs it. */
export interface StorageGiven {
  readonly at: { readonly folder: string } | { readonly storage: UploadStorage }
  /** How many uploads it has, whole ones and others, and connections that somebody holds. */
  readonly kept: () => Promise<number>
  readonly close: () => Promise<void>
}

/** What every storage of uploads must hold, the folder and those that an app hands in. */
export function uploadStorageConformance(name: string, make: () => Promise<StorageGiven>): void {
  describe(name, () => {
    let given: StorageGiven
    let uploads: UploadStore

    beforeEach(async () => {
      given = await make()
      const { at } = given
      uploads =
        'folder' in at
          ? createUploadStore({ folder: at.folder, maxBytes })
          : createUploadStore({ storage: at.storage, maxBytes })
    })
    afterEach(async () => {
      await uploads.close()
      await given.close()
    })

    const keeps = async (count: number) => {
      await vi.waitUntil(async () => (await given.kept()) === count, { timeout: 10_000 })
      expect(uploads.stats()).toMatchObject({ receiving: 0, leftOver: 0 })
    }

    test('gives back what it was given, from any byte on, by a reference that was JSON', async () => {
      const bytes = randomBytes(3 * mebibyte + 7)
      const ends = [0, 5, 5, 90_000, 2 * mebibyte, bytes.length]
      const chunks = ends.slice(1).map((end, at) => bytes.subarray(ends[at], end))
      const reference = throughJson(await uploads.receive(Readable.from(chunks)))
      expect(reference.byteLength).toBe(bytes.length)
      for (const startByte of [0, 1, 4, 5, 89_999, 90_000, bytes.length - 1, bytes.length]) {
        const read = await (await uploads.open(reference, { startByte })).toArray()
        expect(Buffer.concat(read).equals(bytes.subarray(startByte))).toBe(true)
      }
      await keeps(1)
    })

    test('keeps what is empty', async () => {
      const reference = await uploads.receive(Readable.from([]))
      expect(await (await uploads.open(reference)).toArray()).toEqual([])
      expect(await uploads.delete(reference)).toBe(true)
      await keeps(0)
    })

    test('deletes once, and misses it then', async () => {
      const reference = await uploads.receive(Readable.from([Buffer.from('abc')]))
      expect(await uploads.delete(reference)).toBe(true)
      expect(await uploads.delete(reference)).toBe(false)
      const missing = expect.objectContaining({ code: 'HOTPATH_TASKS_UPLOAD_MISSING' })
      await expect(uploads.open(reference)).rejects.toThrow(missing)
      await keeps(0)
    })

    test('takes many at once', async () => {
      const references = await Promise.all(
        Array.from({ length: 5 }, (_, n) => uploads.receive(Readable.from([Buffer.from(`${n}`)]))),
      )
      const texts = references.map(async (one) => String(await (await uploads.open(one)).toArray()))
      expect(await Promise.all(texts)).toEqual(['0', '1', '2', '3', '4'])
      await keeps(5)
    })

    test('closes what is not read to its end', async () => {
      const chunks = Array.from({ length: 60 }, () => randomBytes(65_536))
      const reference = await uploads.receive(Readable.from(chunks))
      for await (const chunk of await uploads.open(reference)) {
        expect(chunk).toBeInstanceOf(Buffer)
        break
      }
      await keeps(1)
    })

    test('keeps nothing of what is given up in the middle', async () => {
      const abort = new AbortController()
      const receiving = uploads.receive(stalled(), { signal: abort.signal })
      await vi.waitUntil(async () => (await given.kept()) > 0)
      abort.abort(new Error('enough'))
      await expect(receiving).rejects.toThrow('enough')
      await keeps(0)
    })

    describe.each(Object.entries(uploadServers))('behind %s', (_name, serve) => {
      let server: ListeningServer
      beforeEach(async () => {
        server = await serve(uploads)
      })
      afterEach(() => server.close())

      const post = () => {
        const asked = open(server.url, {
          method: 'POST',
          headers: { 'content-type': 'application/octet-stream' },
        })
        asked.on('error', () => {})
        const answered = once(asked, 'response') as Promise<[Readable & { statusCode: number }]>
        return { asked, answer: answered.then(([answer]) => answer) }
      }

      test('an upload is acknowledged and there', async () => {
        const bytes = randomBytes(2 * mebibyte)
        const { asked, answer } = post()
        asked.end(bytes)
        const { statusCode } = await answer
        expect(statusCode).toBe(202)
        const reference = JSON.parse(String(await (await answer).toArray())) as UploadReference
        const read = await (await uploads.open(reference)).toArray()
        expect(Buffer.concat(read).equals(bytes)).toBe(true)
      })

      test('one that is too large is a 413, and nothing', async () => {
        const { asked, answer } = post()
        Readable.from(endless()).pipe(asked)
        const { statusCode } = await answer
        expect(statusCode).toBe(413)
        asked.destroy()
        await keeps(0)
      })

      test('one whose client goes is nothing', async () => {
        const { asked, answer } = post()
        answer.catch(() => {})
        asked.write(randomBytes(100_000))
        await vi.waitUntil(async () => (await given.kept()) > 0)
        asked.destroy()
        await vi.waitUntil(() => uploads.stats().failed === 1)
        await keeps(0)
      })
    })
  })
}

function throughJson(reference: UploadReference): UploadReference {
  return JSON.parse(JSON.stringify(reference)) as UploadReference
}

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield new Uint8Array(65_536)
}

async function* stalled(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(100_000)
  await new Promise(() => {})
}
