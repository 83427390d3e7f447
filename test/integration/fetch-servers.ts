import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Server as NetServer } from 'node:net'
import { onTestFinished } from 'vitest'

/** A server on loopback that is closed when the test ends. */
export interface Listening {
  readonly url: string
  /** The sockets that clients hold open now. */
  readonly sockets: ReadonlySet<Socket>
  /** The requests that came, in order. */
  readonly requests: IncomingMessage[]
}

/** Starts an HTTP server for the running test. */
export function serve(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Listening> {
  const requests: IncomingMessage[] = []
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    requests.push(request)
    handle(request, response)
  })
  return listen(server, requests)
}

/** Lets any server listen for the running test. */
export async function listen(
  server: Server | NetServer,
  requests: IncomingMessage[] = [],
): Promise<Listening> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, sockets, requests }
}
