import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect, type AddressInfo, type Server as NetServer, type Socket } from 'node:net'
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

/** An address that accepts no connection and refuses none: its process is stopped, and its queue full. */
export async function serveNobody(): Promise<string> {
  const program = `
    import { writeSync } from 'node:fs'
    import { createServer } from 'node:net'
    const server = createServer()
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      writeSync(1, String(server.address().port))
      process.kill(process.pid, 'SIGSTOP')
    })`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program])
  const [port] = (await once(child.stdout, 'data')) as [Buffer]
  const waiting = Array.from({ length: 8 }, () => connect(Number(port), '127.0.0.1'))
  for (const socket of waiting) socket.on('error', () => {})
  onTestFinished(() => {
    for (const socket of waiting) socket.destroy()
    child.kill('SIGKILL')
  })
  await Promise.race(waiting.map((socket) => once(socket, 'connect')))
  return `http://127.0.0.1:${port.toString()}`
}
