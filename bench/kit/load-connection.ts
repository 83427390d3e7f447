import { connect, type Socket } from 'node:net'

const headEnd = Buffer.from('\r\n\r\n')
const lineEnd = Buffer.from('\r\n')
const empty: Buffer = Buffer.alloc(0)

/** What the connections of one load report to. */
export interface LoadObserver {
  answered(status: number, responseMs: number): void
  failed(error: Error): void
}

/**
 * A keep-alive connection that sends its requests in batches: the next one when the last is answered
 * whole, so that every server finds the same amount of work at each turn, however client and server
 * fall into step. It reads of an answer only what tells where it ends: a client that parses every
 * header, as autocannon does, takes longer for an answer than the server did, and would be what is
 * measured.
 */
export class LoadConnection {
  readonly #socket: Socket
  readonly #batch: string
  readonly #batchSize: number
  readonly #observer: LoadObserver
  #sentAtMs = 0
  #unanswered = 0
  #bodyBytesLeft = 0
  /** What comes behind these bytes is the size of another chunk (RFC 9112, 7.1). */
  #isChunked = false
  /** The start of a head, or of the size of a chunk, whose end has not come yet. */
  #partialHead: Buffer = empty
  #isClosed = false

  /** @param headers - sent with each request, besides `host` */
  constructor(
    url: URL,
    batchSize: number,
    observer: LoadObserver,
    headers: Readonly<Record<string, string>> = {},
  ) {
    const lines = Object.entries({ host: url.host, ...headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    )
    const request = `GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n`
    this.#batch = request.repeat(batchSize)
    this.#batchSize = batchSize
    this.#observer = observer
    this.#socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true })
    this.#socket.once('connect', () => this.#send())
    this.#socket.on('data', (chunk) => this.#read(chunk))
    this.#socket.once('error', (error) => this.#fail(error))
    this.#socket.once('close', () => this.#fail(new Error('the server closed the connection')))
  }

  close(): void {
    this.#isClosed = true
    this.#socket.destroy()
  }

  #send(): void {
    this.#unanswered = this.#batchSize
    this.#sentAtMs = performance.now()
    this.#socket.write(this.#batch)
  }

  #read(chunk: Buffer): void {
    if (this.#isClosed) return
    const responseMs = performance.now() - this.#sentAtMs
    const data = this.#partialHead.length > 0 ? Buffer.concat([this.#partialHead, chunk]) : chunk
    this.#partialHead = empty
    let at = 0
    while (at < data.length) {
      if (this.#bodyBytesLeft === 0 && this.#isChunked) {
        const end = data.indexOf(lineEnd, at)
        if (end === -1) {
          this.#partialHead = data.subarray(at)
          return
        }
        const size = Number.parseInt(data.toString('latin1', at, end), 16)
        if (Number.isNaN(size)) return this.#fail(new Error('a chunk of unknown size'))
        this.#isChunked = size > 0
        this.#bodyBytesLeft = size + lineEnd.length
        at = end + lineEnd.length
      } else if (this.#bodyBytesLeft === 0) {
        const end = data.indexOf(headEnd, at)
        if (end === -1) {
          this.#partialHead = data.subarray(at)
          return
        }
        const head = readHead(data.toString('latin1', at, end))
        if (head === undefined) return this.#fail(new Error('an answer of unknown length'))
        this.#bodyBytesLeft = head.contentLength ?? 0
        this.#isChunked = head.contentLength === undefined
        at = end + headEnd.length
        this.#unanswered--
        this.#observer.answered(head.status, responseMs)
      }
      const taken = Math.min(this.#bodyBytesLeft, data.length - at)
      this.#bodyBytesLeft -= taken
      at += taken
    }
    if (this.#unanswered === 0 && this.#bodyBytesLeft === 0 && !this.#isChunked) this.#send()
  }

  #fail(error: Error): void {
    if (this.#isClosed) return
    this.close()
    this.#observer.failed(error)
  }
}

/** @returns undefined where the head does not say how long the body is; no length where it is in chunks */
function readHead(head: string): { status: number; contentLength: number | undefined } | undefined {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length === undefined && !/\r\ntransfer-encoding: *chunked/i.test(head)) return undefined
  return {
    // "HTTP/1.1 200 OK"
    status: Number(head.slice(9, 12)),
    contentLength: length === undefined ? undefined : Number(length),
  }
}
