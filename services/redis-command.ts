import { connect } from 'node:net'

/**
 * Sends one command to a Redis on this machine and resolves with its answer: a line, or the bulk
 * string that the line announced. Rejects when nobody listens, or after two seconds of silence.
 */
export async function redisCommand(port: number, ...words: string[]): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', timeout: 2_000 })
  try {
    return await new Promise<string>((resolve, reject) => {
      let answer = ''
      socket.setEncoding('utf8')
      socket.once('error', reject)
      socket.once('close', () => reject(new Error(`Redis on port ${port} hung up`)))
      socket.once('timeout', () => reject(new Error(`Redis on port ${port} does not answer`)))
      socket.on('data', (text) => {
        answer += text
        const [line = '', ...rest] = answer.split('\r\n')
        if (rest.length === 0) return
        if (!line.startsWith('$')) return resolve(line)
        const bulk = rest.join('\r\n')
        if (bulk.length > Number(line.slice(1))) resolve(bulk)
      })
      const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`)
      socket.write(`*${words.length}\r\n${parts.join('')}`)
    })
  } finally {
    socket.destroy()
  }
}
