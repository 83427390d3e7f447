import pg, { type Client, type ClientConfig } from 'pg'

/**
 * Asks the server to cancel what a backend is running, on a connection of its own as the protocol
 * wants it (PostgreSQL, "Canceling Requests in Progress"). Resolves when the server has closed that
 * connection: the signal is sent by then, so that whatever goes to the backend afterwards cannot be
 * hit by it. Resolves too when the server could not be reached or `signal` was aborted.
 */
export function requestCancel(client: CancelTarget, signal: AbortSignal): Promise<void> {
  const courier = new pg.Connection({ ssl: client.ssl }) as Courier
  return new Promise((resolve) => {
    const send = () => courier.cancel(client.processID, client.secretKey)
    const finish = () => {
      signal.removeEventListener('abort', stop)
      resolve()
    }
    const stop = () => courier.stream.destroy()
    signal.addEventListener('abort', stop)
    // Refused, reset, frozen: there is nothing to be done about it but to stop waiting.
    courier.on('error', stop)
    courier.on('end', finish)
    courier.on('connect', client.ssl ? () => courier.requestSsl() : send)
    courier.on('sslconnect', send)
    if (client.host.startsWith('/')) courier.connect(`${client.host}/.s.PGSQL.${client.port}`)
    else courier.connect(client.port, client.host)
  })
}

/** What of a connected client names its backend. */
export interface CancelTarget extends Pick<Client, 'host' | 'port'> {
  readonly ssl: NonNullable<ClientConfig['ssl']>
  readonly processID: number
  readonly secretKey: number
}

// pg.Connection's own part of the protocol, which its types leave out.
interface Courier extends InstanceType<typeof pg.Connection> {
  connect(portOrSocket: number | string, host?: string): void
  requestSsl(): void
  cancel(processID: number, secretKey: number): void
}
