import { connect, type Socket } from 'node:net'

/** What a visitor asks for. */
export interface Visit {
  readonly path: string
  readonly coding: string
  /** When it goes: once it has asked, at the first bytes of the answer, or never. */
  readonly leaves: 'at once' | 'in the middle' | 'never'
}

const headEnd = '\r\n\r\n'
const lastChunk = Buffer.from('\r\n0\r\n\r\n')

/** A client with one connection, which it keeps until it goes in the middle of an answer. */
export class Visitor {
  readonly #port: number
  #socket: Socket | undefined

  constructor(port: number) {
    this.#port = port
  }

  /** Resolves when the answer has come whole, or the visitor has gone. */
  visit({ path, coding, leaves }: Visit): Promise<void> {
    const socket = (this.#socket ??= connect({ host: '127.0.0.1', port: this.#port }))
    return new Promise((resolve, reject) => {
      let received = Buffer.alloc(0)
      const settle = (error?: Error) => {
        socket.off('data', read).off('error', settle).off('close', closed)
        if (error === undefined) resolve()
        else reject(error)
      }
      const leave = () => {
        this.#socket = undefined
        settle()
        socket.on('error', () => {}).destroy()
      }
      const closed = () => settle(new Error(`the server closed the connection at ${path}`))
      const read = (chunk: Buffer) => {
        if (leaves !== 'never') return leave()
        received = Buffer.concat([received, chunk])
        if (isWhole(received, coding)) settle()
      }
      socket.on('data', read).on('error', settle).on('close', closed)
      const asked = `GET ${path} HTTP/1.1\r\nhost: localhost\r\naccept-encoding: ${coding}\r\n\r\n`
      socket.write(asked, () => {
        if (leaves === 'at once') leave()
      })
    })
  }

  close(): void {
    this.#socket?.destroy()
    this.#socket = undefined
  }
}

/** @throws Error for an answer that is not what was asked for */
function isWhole(received: Buffer, coding: string): boolean {
  const end = received.indexOf(headEnd)
  if (end === -1) return false
  const head = received.toString('latin1', 0, end).toLowerCase()
  if (!head.startsWith('http/1.1 200') || !head.includes(`content-encoding: ${coding}`)) {
    throw new Error(`not what was asked for: ${head}`)
  }
  const length = /content-length: (\d+)/.exec(head)?.[1]
  if (length !== undefined) return received.length === end + headEnd.length + Number(length)
  return received.subarray(-lastChunk.length).equals(lastChunk)
}
