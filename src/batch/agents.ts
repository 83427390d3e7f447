import type { Agent } from 'undici'
import { guardedLookup } from './address-guard.ts'

/**
 * The connections that all calls of `fetchAll` in this process share, so that they stay open from one
 * call to the next: for each server as many as are needed at once, closed when idle for 4 s or when
 * the server says. Idle ones do not hold the process open.
 */
export function sharedAgent(publicAddressesOnly: boolean): Promise<Agent> {
  if (!publicAddressesOnly) return (open ??= makeAgent({}))
  return (guarded ??= makeAgent({ lookup: guardedLookup() }))
}

let open: Promise<Agent> | undefined
// A connection of its own kind: one that was opened without the guard must not be found by who wants it.
let guarded: Promise<Agent> | undefined

async function makeAgent(connect: object): Promise<Agent> {
  const { Agent } = await import('undici')
  // HTTP/1.1 only: on one HTTP/2 connection a limit on requests is no limit on what a server does.
  return new Agent({ connect, allowH2: false, keepAliveTimeout: 4_000 })
}
