import { connect, type Socket } from 'node:net'

/** Requests that fall due at a fixed rate, however slow the answers are. */
export interface OpenLoop {
  readonly url: URL
  readonly perSecond: number
  /** The most requests under way; more wait for a connection, and their wait counts. */
  readonly connections: number
  /** What falls due before is sent, and left out of the figures. */
  readonly warmupMs: number
  readonly durationMs: number
  /** Of each ten requests the first is sent with this header. */
  readonly criticalHeader: string
}

/** What came of a request that fell due in the measured time. */
export interface OpenAnswer {
  readonly isCritical: boolean
  /** 0: none came, or the connection broke. */
  readonly status: number
  /** From the moment when the request was due. */
  readonly latencyMs: number
}

/** How long after the end an answer is still waited for; then it counts as none. */
const stragglersMs = 500

/** Sends an open loop over connections that each have one request under way. */
export async function runOpenLoop(loop: OpenLoop): Promise<OpenAnswer[]> {
  const { url, perSecond, warmupMs, durationMs } = loop
  const request = `GET ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\n`
  const critical = Buffer.from(`${request}${loop.criticalHeader}\r\n\r\n`)
  const normal = Buffer.from(`${request}\r\n`)
  const connections = Array.from({ length: loop.connections }, () => new OpenConnection(url))
  await Promise.all(connections.map((connection) => connection.opened))

  const idle = [...connections]
  const startMs = performance.now()
  const dueMs = (index: number) => startMs + (index * 1_000) / perSecond
  const total = Math.floor(((warmupMs + durationMs) / 1_000) * perSecond)
  const firstMeasured = Math.floor((warmupMs / 1_000) * perSecond)
  const statuses = new Uint16Array(total)
  const answeredMs = new Float64Array(total).fill(Infinity)
  let sent = 0
  let outstanding = 0
  const sendDue = () => {
    const nowMs = performance.now()
    while (sent < total && dueMs(sent) <= nowMs) {
      const connection = idle.pop()
      if (connection === undefined) return
      const index = sent++
      outstanding++
      connection.send(index % 10 === 0 ? critical : normal, (status) => {
        statuses[index] = status
        answeredMs[index] = performance.now()
        outstanding--
        idle.push(connection)
      })
    }
  }
  const endMs = dueMs(total)
  await tickUntil(() => {
    sendDue()
    return performance.now() >= endMs
  })
  await tickUntil(() => {
    return outstanding === 0 || performance.now() >= endMs + stragglersMs
  })
  for (const connection of connections) connection.close()

  return Array.from({ length: total - firstMeasured }, (_, measured) => {
    const index = firstMeasured + measured
    return {
      isCritical: index % 10 === 0,
      status: statuses[index] ?? 0,
      latencyMs: (answeredMs[index] ?? Infinity) - dueMs(index),
    }
  })
}

/** The requests that are answered in a second where a fixed number is always under way. */
export async function findPeak(url: URL, inFlight: number, durationMs: number): Promise<number> {
  const request = Buffer.from(`GET ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\n\r\n`)
  const connections = Array.from({ length: inFlight }, () => new OpenConnection(url))
  await Promise.all(connections.map((connection) => connection.opened))
  let answered = 0
  const keepSending = (connection: OpenConnection) => {
    connection.send(request, (status) => {
      if (status === 200) answered++
      if (status !== 0) keepSending(connection)
    })
  }
  for (const connection of connections) keepSending(connection)
  const startMs = performance.now()
  await tickUntil(() => performance.now() >= startMs + durationMs)
  const perSecond = (answered * 1_000) / (performance.now() - startMs)
  for (const connection of connections) connection.close()
  return perSecond
}

/** A keep-alive connection that reads only the status of an answer, and where it ends. */
class OpenConnection {
  readonly opened: Promise<void>
  readonly #socket: Socket
  #answered: ((status: number) => void) | undefined = undefined
  #received = ''

  constructor(url: URL) {
    this.#socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true })
    this.#socket.setEncoding('latin1')
    this.opened = new Promise((resolve, reject) => {
      this.#socket.once('connect', resolve)
      this.#socket.once('error', reject)
    })
    this.#socket.on('data', (chunk: string) => this.#read(chunk))
    this.#socket.on('close', () => this.#finish(0))
  }

  send(request: Buffer, answered: (status: number) => void): void {
    this.#answered = answered
    this.#socket.write(request)
  }

  close(): void {
    this.#answered = undefined
    this.#socket.destroy()
  }

  #read(chunk: string): void {
    this.#received += chunk
    const headEnd = this.#received.indexOf('\r\n\r\n')
    if (headEnd === -1) return
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.#received)?.[1]
    if (length === undefined) throw new Error('an answer of unknown length')
    if (this.#received.length < headEnd + 4 + Number(length)) return
    // "HTTP/1.1 200 OK"
    const status = Number(this.#received.slice(9, 12))
    this.#received = ''
    this.#finish(status)
  }

  #finish(status: number): void {
    const answered = this.#answered
    this.#answered = undefined
    answered?.(status)
  }
}

function tickUntil(isOver: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const tick = () => {
      if (isOver()) resolve()
      else setTimeout(tick, 1)
    }
    tick()
  })
}
