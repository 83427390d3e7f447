import type { PipelinedClient } from './client.ts'

/** What has become of a client that was lent. */
export interface LoanOutcomes {
  /** Nothing is left open. `hasAnswered`: the server has just said so. */
  cleared(hasAnswered: boolean): void
  lost(error?: Error): void
}

/** Behind an error the state of the transaction is only known with the ReadyForQuery that follows. */
export function onceStateIsKnown(client: PipelinedClient, then: () => void): void {
  const finish = () => {
    client.connection.off('readyForQuery', finish)
    client.off('end', finish)
    then()
  }
  client.connection.once('readyForQuery', finish)
  client.once('end', finish)
}

/** Rolls back what a borrower has left open. */
export function clearBehindLoan(client: PipelinedClient, outcomes: LoanOutcomes): void {
  // Ended or cut by the borrower; the event that says so comes only later.
  const { _ending: isEnding, connection } = client
  if (isEnding || !connection.stream.writable) {
    outcomes.lost()
    return
  }
  if (client.getTransactionStatus() === 'I' && client.readyForQuery) {
    outcomes.cleared(false)
    return
  }
  // Not ready: queries that the borrower did not wait for are still running, and may open a
  // transaction yet. They come first, since a client keeps their order.
  client.query('ROLLBACK').then(
    () => outcomes.cleared(true),
    (error: Error) => outcomes.lost(error),
  )
}
