import { setTimeout as delay } from 'node:timers/promises'
import type { Report } from './messages.ts'

interface Entry {
  /** Of the attempts that were begun: who began it, and when. */
  readonly begun: { readonly pid: number; readonly attempt: number; readonly atMs: number }[]
  completions: number
}

/** What the workers have told of each task. What a worker said last may have died with it. */
export class Ledger {
  readonly #entries = new Map<string, Entry>()
  executions = 0

  note(pid: number, report: Report): void {
    if (report.kind === 'begun') {
      this.executions++
      this.#entry(report.id).begun.push({ pid, attempt: report.attempt, atMs: performance.now() })
    } else if (report.kind === 'completed') this.#entry(report.id).completions++
  }

  /** The tasks that this process has begun, and nobody completed or began again. */
  runningOn(pid: number): string[] {
    return [...this.#entries]
      .filter(([, { begun, completions }]) => completions === 0 && begun.at(-1)?.pid === pid)
      .map(([id]) => id)
  }

  completionsOf(id: string): number {
    return this.#entries.get(id)?.completions ?? 0
  }

  /** Resolves when another process has begun the task, with the time; or when `isOver` says so. */
  async takeover(
    id: string,
    pid: number,
    isOver: () => Promise<boolean>,
  ): Promise<number | undefined> {
    for (let look = 0; ; look++) {
      const last = this.#entries.get(id)?.begun.at(-1)
      if (last !== undefined && last.pid !== pid) return last.atMs
      // It may have been completed just before: the message died with the process.
      if (look % 50 === 49 && (await isOver())) return undefined
      await delay(20)
    }
  }

  #entry(id: string): Entry {
    let entry = this.#entries.get(id)
    if (entry === undefined) {
      entry = { begun: [], completions: 0 }
      this.#entries.set(id, entry)
    }
    return entry
  }
}
