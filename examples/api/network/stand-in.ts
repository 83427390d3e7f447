import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { sites } from '../api/accounts.ts'

/** Stands in for the other sites of the network, in this process. */
export interface Network {
  readonly url: string
  close(): Promise<void>
}

/** What a site takes to answer, far away as it is. */
export const siteDelayMs = 20

/** One of them is always down: its answers are as late as the others', and say so. */
const siteThatIsDown = sites.at(-1)

/** Starts the stand-in: `GET /SITE/users/ID` answers `{ "reputation" }` after {@link siteDelayMs}. */
export async function startNetwork(): Promise<Network> {
  const server = createServer((request, response) => void answer(request.url ?? '', response))
  // Longer than any pause of the proof: a connection that is kept is kept by whoever asks.
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(url: string, response: ServerResponse): Promise<void> {
  const [, site = '', , id = ''] = url.split('/')
  await delay(siteDelayMs)
  response.setHeader('content-type', 'application/json')
  if (site === siteThatIsDown) {
    response.statusCode = 503
    response.end('{}')
    return
  }
  response.end(JSON.stringify({ reputation: reputationAt(site, Number(id)) }))
}

/** Any number will do, as long as everybody is told the same. */
function reputationAt(site: string, id: number): number {
  return 1 + (((sites.indexOf(site) + 1) * 7_919 * id) % 10_007)
}
