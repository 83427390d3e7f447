/**
 * Keeps what is sent in addition within a share of what is sent anyway, as Finagle and gRPC do
 * (https://github.com/grpc/proposal/blob/master/A6-client-retries.md, "Throttling Retry Attempts"):
 * every request pays in a part of a token, every additional one takes a whole one. While a server is
 * down, retries then add that share to its load, and not a multiple of it.
 */
export class Budget {
  readonly #maxTokens: number
  #tokens: number

  constructor(startTokens: number, maxTokens: number) {
    this.#tokens = startTokens
    this.#maxTokens = maxTokens
  }

  deposit(ratio: number): void {
    this.#tokens = Math.min(this.#maxTokens, this.#tokens + ratio)
  }

  take(): boolean {
    // A twentieth added twenty times is a little less than one.
    if (this.#tokens < 1 - 1e-9) return false
    this.#tokens -= 1
    return true
  }
}

/** What may be sent to one server in addition. */
export interface ServerBudgets {
  readonly retries: Budget
  readonly hedges: Budget
}

/**
 * The budgets of a server, shared by all calls in the process: many small calls are one load to it.
 * Those of the servers that were asked longest ago are forgotten.
 */
export function budgetsOf(origin: string): ServerBudgets {
  if (latest?.origin === origin) return latest.budgets
  // The first retries of a process have nothing saved up for them yet; hedges can wait.
  const found = budgets.get(origin) ?? { retries: new Budget(10, 100), hedges: new Budget(0, 10) }
  budgets.delete(origin)
  budgets.set(origin, found)
  if (budgets.size > maxServers) {
    const [oldest] = budgets.keys()
    budgets.delete(oldest ?? origin)
  }
  latest = { origin, budgets: found }
  return found
}

// Most calls ask one server again and again: then its place in the order of asking need not be renewed.
let latest: { readonly origin: string; readonly budgets: ServerBudgets } | undefined
const budgets = new Map<string, ServerBudgets>()
const maxServers = 1_000
