import { createConnection } from './connection.ts'
import { requestBytes, type LoadRequest } from './request.ts'

/** Requests that are each sent once. */
export interface OnceJob {
  readonly port: number
  readonly connections: number
  readonly requests: readonly LoadRequest[]
}

/** Sends each request once, over several connections, whatever the answers are. */
export async function runOnce({ port, connections, requests }: OnceJob): Promise<void> {
  const waiting = requests.values()
  const work = async () => {
    const connection = createConnection(port)
    for (const request of waiting) {
      await new Promise((resolve) => connection.send(requestBytes(port, request), resolve))
    }
    connection.close()
  }
  await Promise.all(Array.from({ length: connections }, work))
}
