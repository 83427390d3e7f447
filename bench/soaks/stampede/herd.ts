import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Beginning, Order, Report } from './messages.ts'

/** What came of one key. */
export interface Outcome {
  /** How often a loader was called for it, in all processes together. */
  readonly loads: number
  /** The different values that callers were given. */
  readonly values: ReadonlySet<string>
  readonly failures: number
  /** From the death of the first process that loaded it until the next began to; 0 where none died. */
  readonly takeoverMs: number
}

/** How long the loader takes once it is known to run: for the others to come and wait. */
const loadMs = 100

/** Processes that share a cache, and whose callers all ask for the same key at the same time. */
export class Herd implements AsyncDisposable {
  readonly #beginning: Beginning
  readonly #children: ChildProcess[] = []

  private constructor(beginning: Beginning) {
    this.#beginning = beginning
  }

  static async start(beginning: Beginning, processes: number): Promise<Herd> {
    const herd = new Herd(beginning)
    await Promise.all(Array.from({ length: processes }, () => herd.#join()))
    return herd
  }

  /** Resolves when every caller has been answered. */
  async ask(key: string, callers: number, isHolderKilled: boolean): Promise<Outcome> {
    const values = new Set<string>()
    let loads = 0
    let failures = 0
    let killedMs = 0
    let takeoverMs = 0
    const hear = (child: ChildProcess, report: Report, done: () => void) => {
      if (report.kind === 'answered' && report.key === key) {
        for (const value of report.values) values.add(value)
        failures += report.failures
        done()
      }
      if (report.kind !== 'loading' || report.key !== key) return
      loads++
      if (isHolderKilled && loads === 1) {
        child.kill('SIGKILL')
        killedMs = performance.now()
        return
      }
      if (isHolderKilled && loads === 2) takeoverMs = performance.now() - killedMs
      setTimeout(() => tell(child, { finish: key }), loadMs)
    }
    const asking = this.#children.map(async (child) => {
      const answered = Promise.withResolvers<void>()
      const listener = (report: Report) => hear(child, report, answered.resolve)
      child.on('message', listener)
      child.once('exit', answered.resolve)
      tell(child, { ask: key, callers })
      await answered.promise
      child.off('message', listener)
      child.off('exit', answered.resolve)
    })
    await Promise.all(asking)
    if (isHolderKilled) await this.#replaceTheDead()
    return { loads, values, failures, takeoverMs }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ends = this.#children.map(async (child) => {
      if (hasEnded(child)) return
      const ended = once(child, 'exit')
      tell(child, { stop: true })
      await ended
    })
    await Promise.all(ends)
  }

  async #join(): Promise<void> {
    const file = fileURLToPath(new URL('./child.ts', import.meta.url))
    const child = fork(file, [JSON.stringify(this.#beginning)])
    this.#children.push(child)
    const ready = Promise.withResolvers<void>()
    child.once('message', () => ready.resolve())
    child.once('exit', (code) => ready.reject(new Error(`a process ended with code ${code}`)))
    await ready.promise
    child.removeAllListeners('exit')
  }

  async #replaceTheDead(): Promise<void> {
    const dead = this.#children.filter(hasEnded)
    for (const child of dead) this.#children.splice(this.#children.indexOf(child), 1)
    await Promise.all(dead.map(() => this.#join()))
  }
}

function tell(child: ChildProcess, order: Order): void {
  if (child.connected) child.send(order)
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}
