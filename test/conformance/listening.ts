import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server that listens on a free port, until it is closed. */
export interface ListeningServer {
  readonly url: string
  close(): Promise<void>
}

/** @param close what ends with the server */
export async function listening(
  server: Server,
  close: () => Promise<void>,
): Promise<ListeningServer> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await close()
    },
  }
}
