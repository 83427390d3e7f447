import { Socket } from 'node:net'
import type { Agent, buildConnector } from 'undici'
import { guardedLookup } from './address-guard.ts'

/**
 * The connections that all calls of `fetchAll` in this process share, so that they stay open from one
 * call to the next: for each server as many as are needed at once, closed when idle for 4 s or when
 * the server says. Idle ones do not hold the process open, nor do those that are being opened for
 * nobody any more.
 */
export function sharedAgent(publicAddressesOnly: boolean): Promise<Agent> {
  if (!publicAddressesOnly) return (open ??= makeAgent({}))
  return (guarded ??= makeAgent({ lookup: guardedLookup() }))
}

let open: Promise<Agent> | undefined
// A connection of its own kind: one that was opened without the guard must not be found by who wants it.
let guarded: Promise<Agent> | undefined

async function makeAgent(connect: object): Promise<Agent> {
  const { Agent, buildConnector } = await import('undici')
  // HTTP/1.1 only: on one HTTP/2 connection a limit on requests is no limit on what a server does.
  const allowH2 = false
  const connector = buildConnector({ ...connect, allowH2 })
  return new Agent({
    connect: (options, callback) => openSocket(connector, options, callback),
    allowH2,
    keepAliveTimeout: 4_000,
  })
}

// A connection that is being opened holds the process; `unref` does not change that. undici gives it up
// after 10 s, whether or not anybody waits for it.
const opening = new Set<Socket>()
let exchangeCount = 0

/** Somebody waits for an answer. */
export function exchangeBegins(): void {
  exchangeCount++
}

/** He has it, or waits no more. */
export function exchangeEnded(): void {
  exchangeCount--
  // Not at once: a next call may begin in this turn, and would fail with the connection.
  if (exchangeCount === 0 && opening.size > 0) setImmediate(closeUnwanted)
}

function closeUnwanted(): void {
  if (exchangeCount > 0) return
  for (const socket of opening) socket.destroy(new Error('nobody waits for this connection'))
}

function openSocket(
  connector: buildConnector.connector,
  options: buildConnector.Options,
  callback: buildConnector.Callback,
): unknown {
  // undici reads what a connector returns, though its types do not say so.
  const socket: unknown = connector(options, (...args) => {
    if (socket instanceof Socket) opening.delete(socket)
    callback(...args)
  })
  if (!(socket instanceof Socket)) return socket
  opening.add(socket)
  // Also where undici has given it up.
  return socket.once('close', () => opening.delete(socket))
}
