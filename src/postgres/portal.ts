import type { PoolClient, Submittable } from 'pg'

/** A cursor or query stream: it reads its rows piece by piece, on a client that it has alone. */
export interface Portal extends Submittable {
  /** Of a stream. */
  readonly destroyed?: boolean
  /** Of a cursor. */
  close?(callback?: (error?: Error) => void): Promise<void> | undefined
  handleError(error: Error): void
}

export function isPortal(input: unknown): input is Portal {
  return typeof input === 'object' && input !== null && 'submit' in input
}

/**
 * Runs it on a borrowed client, which is released when the server is done with it: at its end, after an
 * error, or when it was closed or destroyed before. Until it has a client it takes calls and lets them wait.
 */
export function runPortal(portal: Portal, borrowed: Promise<PoolClient>): void {
  let isClosed = false
  const { close } = portal
  if (close !== undefined) {
    // A cursor that is closed before it was submitted does not remember it.
    portal.close = (callback) => {
      isClosed = true
      return close.call(portal, callback)
    }
  }
  borrowed.then(
    (client) => {
      if (isClosed || portal.destroyed === true) {
        client.release()
        return
      }
      const finish = (error?: Error) => {
        client.off('drain', finish)
        client.off('error', finish)
        client.off('end', finish)
        client.release(error)
      }
      client.once('drain', finish)
      client.once('error', finish)
      client.once('end', finish)
      client.query(portal)
    },
    (error: Error) => portal.handleError(error),
  )
}
