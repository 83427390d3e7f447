// The server that is called, in a process of its own. It reads and writes sockets by hand, so that it is
// not what is measured. The path says how long an answer takes; it ends with whoever started it.
import { createServer, type Socket } from 'node:net'

const body = '{"id":1,"name":"ada"}'
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
)
let requestCount = 0

const server = createServer((socket) => {
  socket.setNoDelay(true)
  socket.on('error', () => {})
  // Nobody who is measured here sends a second request before the first is answered.
  socket.on('data', (chunk) => {
    requestCount++
    const delayMs = delayOf(chunk.toString('latin1', 0, 20))
    if (delayMs === 0) socket.write(answer)
    else setTimeout(reply, delayMs, socket)
  })
})

function reply(socket: Socket): void {
  if (socket.writable) socket.write(answer)
}

/** `GET /20`: 20 ms. `GET /tail`: 2 ms, and for three in a hundred 200 ms. */
function delayOf(start: string): number {
  if (start.startsWith('GET /tail')) return Math.random() < 0.03 ? 200 : 2
  return Number.parseInt(start.slice(5), 10)
}

process.on('disconnect', () => process.exit())
process.on('SIGINT', () => {})
process.on('message', () => process.send?.(requestCount))
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as { port: number }).port))
