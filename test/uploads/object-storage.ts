import type { UploadStorage } from '../../src/tasks/index.ts'

/** Keeps uploads as objects of a server that takes PUT, GET with a range, and DELETE. */
export function objectStorage(bucket: string): UploadStorage {
  const ask = async (id: string, init: RequestInit) => {
    const response = await fetch(`${bucket}/${id}`, init)
    if (response.ok) return response
    await response.body?.cancel()
    if (response.status === 404) return undefined
    throw new Error(`the object store answered ${init.method ?? 'GET'} with ${response.status}`)
  }
  return {
    async begin(id, { signal }) {
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
      const writer = writable.getWriter()
      const put = ask(id, { method: 'PUT', body: readable, duplex: 'half', signal })
      // A write that waits hears of it, too.
      put.catch((error: unknown) => writer.abort(error)).catch(() => {})
      return {
        write: (chunk) => writer.write(chunk),
        async commit() {
          await writer.close()
          if ((await put) === undefined) throw new Error(`there is no bucket ${bucket}`)
        },
        async abort() {
          await put.catch(() => {})
          await ask(id, { method: 'DELETE' })
        },
      }
    },
    async open(id, { startByte, signal }) {
      const headers = startByte > 0 ? { range: `bytes=${startByte}-` } : {}
      const response = await ask(id, { headers, signal })
      return response?.body ?? undefined
    },
    async remove(id, { signal }) {
      return (await ask(id, { method: 'DELETE', signal })) !== undefined
    },
  }
}
