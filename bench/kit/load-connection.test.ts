import { createServer, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { LoadConnection } from './load-connection.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** A server that answers with these very pieces, whatever it is asked. */
async function serve(answer: (socket: Socket, asked: number, text: string) => void): Promise<URL> {
  const server = createServer((socket) => {
    // The client leaves when it has seen enough, with answers under way.
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      const text = chunk.toString()
      answer(socket, text.split('GET ').length - 1, text)
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  closers.push(() => server.close())
  const { port } = server.address() as { port: number }
  return new URL(`http://127.0.0.1:${port}/posts?page=2`)
}

function ask(url: URL, batchSize: number, count: number): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const statuses: number[] = []
    const connection = new LoadConnection(url, batchSize, {
      answered: (status) => statuses.push(status) === count && resolve(statuses),
      failed: reject,
    })
    closers.push(() => connection.close())
  })
}

test('sends the headers that it is given', async () => {
  const { promise: heard, resolve } = Promise.withResolvers<string>()
  const url = await serve((_socket, _asked, text) => resolve(text))
  const observer = { answered: () => {}, failed: () => {} }
  const connection = new LoadConnection(url, 1, observer, { 'accept-encoding': 'gzip' })
  closers.push(() => connection.close())
  expect(await heard).toMatch(
    /^GET \/posts\?page=2 HTTP\/1\.1\r\nhost: [\d.:]+\r\naccept-encoding: gzip\r\n\r\n$/,
  )
})

test('finds the end of every answer, wherever the pieces are cut', async () => {
  const one = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\r\n\r\n'
  const empty = 'HTTP/1.1 304 Not Modified\r\ncontent-length: 0\r\n\r\n'
  const asked: number[] = []
  const url = await serve((socket, count) => {
    asked.push(count)
    const bytes = (one + empty).repeat(count / 2)
    const cut = asked.length % bytes.length
    socket.setNoDelay(true)
    socket.write(bytes.slice(0, cut))
    setImmediate(() => socket.write(bytes.slice(cut)))
  })
  const statuses = await ask(url, 4, 400)
  expect(statuses).toEqual(Array.from({ length: 400 }, (_, at) => (at % 2 === 0 ? 200 : 304)))
  expect(new Set(asked)).toEqual(new Set([4]))
})

test('sends the headers that it is given with every request of a batch', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (chunk) => received.resolve(chunk.toString()))
  })
  const received = Promise.withResolvers<string>()
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  closers.push(() => server.close())
  const { port } = server.address() as { port: number }
  const observer = { answered: () => {}, failed: received.reject }
  const url = new URL(`http://127.0.0.1:${port}/posts`)
  const connection = new LoadConnection(url, 2, observer, { 'accept-encoding': 'gzip' })
  closers.push(() => connection.close())
  const one = `GET /posts HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\naccept-encoding: gzip\r\n\r\n`
  expect(await received.promise).toBe(one.repeat(2))
})

test('an answer of unknown length is an error', async () => {
  const url = await serve((socket) => socket.write('HTTP/1.1 200 OK\r\nx: 1\r\n\r\nhello'))
  await expect(ask(url, 1, 1)).rejects.toThrow('unknown length')
})

test('a connection that the server closes is an error', async () => {
  const url = await serve((socket) => socket.end())
  await expect(ask(url, 1, 1)).rejects.toThrow('closed')
})

test('finds the end of an answer in chunks, wherever the pieces are cut', async () => {
  const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
  const one = `${head}4\r\n\r\n0\r\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n`
  let turns = 0
  const url = await serve((socket, count) => {
    const bytes = one.repeat(count)
    const cut = turns++ % bytes.length
    socket.setNoDelay(true)
    socket.write(bytes.slice(0, cut))
    setImmediate(() => socket.write(bytes.slice(cut)))
  })
  expect(await ask(url, 2, 400)).toEqual(Array.from({ length: 400 }, () => 200))
})
