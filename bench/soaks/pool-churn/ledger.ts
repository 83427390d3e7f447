/** What a churn may find wrong with a pool. */
export type Fault =
  | 'wrongResults'
  | 'hungCalls'
  | 'foreignTransactions'
  | 'unexpectedErrors'
  | 'leaks'

const shownFaults = 20

/** What happened, counted, with the first faults in words. */
export class Ledger {
  readonly faults: Record<Fault, number> = {
    wrongResults: 0,
    hungCalls: 0,
    foreignTransactions: 0,
    unexpectedErrors: 0,
    leaks: 0,
  }
  readonly failures: string[] = []
  /** How often each kind of call was made. */
  readonly calls: Record<string, number> = {}
  /** Calls that ended with the connection they were on. */
  lost = 0
  kills = 0
  /** Notes whose insertion was confirmed, and those of which nobody knows. */
  readonly confirmedNotes: Set<number> = new Set()
  readonly doubtfulNotes: Set<number> = new Set()

  report(fault: Fault, what: string): void {
    this.faults[fault]++
    if (this.failures.length < shownFaults) this.failures.push(`${fault}: ${what}`)
  }
}
