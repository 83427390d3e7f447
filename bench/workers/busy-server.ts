import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Subject } from '../kit/bench.ts'

/** How long each CPU task is, and how many are always under way: twice as many as there are threads. */
const spinMs = 5
const tasks = 4

/**
 * An HTTP server in this process, whose threads never run out of work, and one client of it. A call is
 * one request; the time until its answer is there is what the event loop leaves it to wait.
 */
export async function openBusyServer(spin: (ms: number) => Promise<unknown>): Promise<Subject> {
  const server = createServer((_request, response) => response.end('hello'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const agent = new Agent({ keepAlive: true })
  let isOver = false
  const keepBusy = async () => {
    while (!isOver) await spin(spinMs)
  }
  const busy = Array.from({ length: tasks }, keepBusy)
  return {
    async call(input) {
      const asked = request({ port, agent, path: `/${input}` }).end()
      const [response] = (await once(asked, 'response')) as [AsyncIterable<Buffer>]
      let bytes = 0
      for await (const chunk of response) bytes += chunk.length
      return bytes
    },
    async close() {
      isOver = true
      await Promise.all(busy)
      agent.destroy()
      server.close()
    },
  }
}
