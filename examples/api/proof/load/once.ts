import { createConnection } from './connection.ts'
import { requestBytes, type LoadRequest } from './request.ts'

/** Requests that are each sent once. */
export interface OnceJob {
  readonly port: number
  readonly connections: number
  readonly requests: readonly LoadRequest[]
}

/** How many answers had each status; 0 stands for those that did not come whole. */
export type OnceFigures = Readonly<Record<number, number>>

/** Sends each request once, over several connections, whatever the answers are. */
export async function runOnce({ port, connections, requests }: OnceJob): Promise<OnceFigures> {
  const counts: Record<number, number> = {}
  const waiting = requests.values()
  const work = async () => {
    const connection = createConnection(port)
    for (const request of waiting) {
      const bytes = requestBytes(port, request)
      const status = await new Promise<number>((resolve) => connection.send(bytes, resolve))
      counts[status] = (counts[status] ?? 0) + 1
    }
    connection.close()
  }
  await Promise.all(Array.from({ length: connections }, work))
  return counts
}
