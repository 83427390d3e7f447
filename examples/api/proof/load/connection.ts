import { connect, type Socket } from 'node:net'

/** Called once for each exchange; status 0 when the connection failed before the answer was whole. */
export type Answered = (statusCode: number) => void

/** One kept-alive HTTP/1.1 connection, one exchange at a time. */
export interface Connection {
  send(request: Buffer, answered: Answered): void
  close(): void
}

/**
 * A bare HTTP/1.1 client for the open loop. `node:http` spends about 100 µs on a request, which at
 * thousands of requests a second shows up in the 99th percentile as if the server had been slow.
 * It reads what our servers send, answers framed by Content-Length, and counts the rest as failed.
 * A connection that the server closed is opened again by the next exchange.
 */
export function createConnection(port: number): Connection {
  let socket: Socket | undefined
  let waiting: Answered | undefined
  let head: Buffer = Buffer.alloc(0)
  let statusCode = 0
  let bytesMissing = 0

  const finish = (status: number) => {
    const answered = waiting
    waiting = undefined
    head = Buffer.alloc(0)
    bytesMissing = 0
    answered?.(status)
  }

  const fail = (failed: Socket) => {
    if (socket !== failed) return
    socket = undefined
    failed.destroy()
    finish(0)
  }

  const receive = (from: Socket, chunk: Buffer) => {
    if (waiting === undefined || from !== socket) return
    if (bytesMissing > 0) {
      bytesMissing -= chunk.length
    } else {
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk])
      const headBytes = head.indexOf('\r\n\r\n') + 4
      if (headBytes < 4) return
      const parsed = parseHead(head.toString('latin1', 0, headBytes))
      if (parsed === undefined) return fail(from)
      statusCode = parsed.statusCode
      bytesMissing = headBytes + parsed.bodyBytes - head.length
    }
    if (bytesMissing === 0) finish(statusCode)
    else if (bytesMissing < 0) fail(from)
  }

  const open = () => {
    const opened = connect({ port, host: '127.0.0.1', noDelay: true })
    opened.on('data', (chunk) => receive(opened, chunk))
    opened.on('error', () => fail(opened))
    opened.on('close', () => fail(opened))
    return opened
  }

  return {
    send(request, answered) {
      waiting = answered
      socket ??= open()
      socket.write(request)
    },
    close() {
      if (socket !== undefined) fail(socket)
    },
  }
}

function parseHead(head: string): { statusCode: number; bodyBytes: number } | undefined {
  const statusCode = Number(head.slice(9, 12))
  if (statusCode === 204 || statusCode === 304) return { statusCode, bodyBytes: 0 }
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)
  return length === null ? undefined : { statusCode, bodyBytes: Number(length[1]) }
}
