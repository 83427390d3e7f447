import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { listening, type ListeningServer } from '../conformance/listening.ts'

export interface ObjectServer extends ListeningServer {
  readonly objects: ReadonlyMap<string, Buffer>
  /** Requests that are under way. */
  readonly open: ReadonlySet<IncomingMessage>
}

/** An object store in memory, which has an object when all of it has come, and not before. */
export async function startObjectServer(): Promise<ObjectServer> {
  const objects = new Map<string, Buffer>()
  const open = new Set<IncomingMessage>()
  const server = createServer((request, response) => {
    open.add(request)
    response.on('close', () => open.delete(request))
    answer(objects, request, response).catch(() => response.destroy())
  })
  return Object.assign(await listening(server, async () => {}), { objects, open })
}

async function answer(
  objects: Map<string, Buffer>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const key = request.url ?? ''
  if (request.method === 'PUT') {
    objects.set(key, Buffer.concat((await request.toArray()) as Buffer[]))
    response.writeHead(201).end()
    return
  }
  const object = objects.get(key)
  if (object === undefined) {
    response.writeHead(404).end()
    return
  }
  if (request.method === 'DELETE') {
    objects.delete(key)
    response.writeHead(204).end()
    return
  }
  const [, from] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? []
  if (from === undefined) response.end(object)
  else if (Number(from) >= object.length) response.writeHead(416).end()
  else response.writeHead(206).end(object.subarray(Number(from)))
}
