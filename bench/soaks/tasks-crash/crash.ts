import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Tasks } from 'hotpath/tasks'
import { Ledger } from './ledger.ts'
import { taskName, type Beginning, type Completion, type Report } from './messages.ts'
import { openTasks } from './open-tasks.ts'

/** How workers are killed. */
export interface CrashOptions extends Beginning {
  /** Workers at a time that are killed or frozen, over and over. */
  readonly workers: number
  /** Workers that live: what is measured is the engine, not how long a process takes to start. */
  readonly bystanders: number
  /** How often a worker is taken away in the middle of work; every third time it is frozen. */
  readonly kills: number
  readonly progress?: ((done: number) => void) | undefined
}

/** What came of it. */
export interface CrashOutcome {
  readonly kills: number
  readonly freezes: number
  readonly tasks: number
  readonly executions: number
  /** Enqueues that the store refused, which is none of those that it acknowledged. */
  readonly refused: number
  /** Freezes in which nobody could take over, because the frozen one held the lock of SQLite's file. */
  readonly frozenWithLock: number
  /** Tasks that were begun more than once. */
  readonly repeated: number
  /** Acknowledged tasks that were not completed. */
  readonly lost: number
  /** Tasks whose completion the store took twice. */
  readonly completedTwice: number
  /** Tasks that an attempt completed from which another had taken over. */
  readonly completedByFenced: number
  /** Outcomes of thawed workers that were refused. */
  readonly fenced: number
  /** From the death of a worker until another began its task, in milliseconds. */
  readonly medianTakeoverMs: number
  readonly worstTakeoverMs: number
}

/** Whoever is frozen longer than any takeover lasts is holding the others up. */
const longestFreezeMs = 20_000
/** One that finds the file locked gives up after 5 s. */
const mostFailedStarts = 10
const shortestWorkMs = 200
const longestWorkMs = 800
/** As many tasks wait as keep the workers busy. */
const backlogPerWorker = 4

/** Kills and freezes workers in the middle of their tasks, and looks what became of each task. */
export async function crash(options: CrashOptions): Promise<CrashOutcome> {
  const opened = await openTasks(options)
  const crashing = new Crash(options, opened.tasks)
  try {
    return await crashing.run()
  } finally {
    await crashing.end()
    await opened.close()
  }
}

class Crash {
  readonly #options: CrashOptions
  readonly #tasks: Tasks
  readonly #ledger = new Ledger()
  readonly #ids: string[] = []
  readonly #children = new Set<ChildProcess>()
  readonly #takeoversMs: number[] = []
  readonly #fenced = new Map<number, number>()
  #kills = 0
  #freezes = 0
  #refused = 0
  #frozenWithLock = 0
  #takenAway = 0

  constructor(options: CrashOptions, tasks: Tasks) {
    this.#options = options
    this.#tasks = tasks
    tasks.define(taskName, { retries: 100, run: (workMs: number) => workMs })
  }

  async run(): Promise<CrashOutcome> {
    const { workers, bystanders } = this.#options
    let isOver = false
    await Promise.all(Array.from({ length: bystanders }, () => this.#start()))
    const feeding = this.#feed(() => isOver)
    await Promise.all(Array.from({ length: workers }, () => this.#keepKilling()))
    isOver = true
    await feeding
    return this.#judge()
  }

  async end(): Promise<void> {
    await Promise.all([...this.#children].map((child) => this.#kill(child)))
  }

  /** Keeps some tasks waiting. */
  async #feed(isOver: () => boolean): Promise<void> {
    const { workers, bystanders, concurrency } = this.#options
    const open = new Set<string>()
    while (!isOver()) {
      for (const id of open) if (this.#ledger.completionsOf(id) > 0) open.delete(id)
      const missing = (workers + bystanders) * (concurrency + backlogPerWorker) - open.size
      const enqueued = await Promise.allSettled(
        Array.from({ length: Math.max(0, missing) }, () =>
          this.#tasks.enqueue(taskName, randomBetween(shortestWorkMs, longestWorkMs)),
        ),
      )
      for (const outcome of enqueued) {
        if (outcome.status === 'fulfilled') {
          this.#ids.push(outcome.value.id)
          open.add(outcome.value.id)
        } else if (isRefusal(outcome.reason)) {
          this.#refused++
        } else {
          throw outcome.reason
        }
      }
      await delay(50)
    }
  }

  async #keepKilling(): Promise<void> {
    let child = await this.#start()
    while (this.#takenAway < this.#options.kills) {
      const turn = this.#takenAway++
      await delay(randomBetween(0, longestWorkMs))
      child = turn % 3 === 2 ? await this.#freeze(child) : await this.#killAtWork(child)
      this.#options.progress?.(this.#kills + this.#freezes)
    }
  }

  async #killAtWork(child: ChildProcess): Promise<ChildProcess> {
    const pid = child.pid ?? 0
    const running = await this.#atWork(pid)
    const killedMs = performance.now()
    await this.#kill(child)
    this.#kills++
    const next = await this.#start()
    await this.#expectTakeover(running, pid, killedMs)
    return next
  }

  /** Lets it go on when others have taken over: it shall try to complete what it had begun. */
  async #freeze(child: ChildProcess): Promise<ChildProcess> {
    const pid = child.pid ?? 0
    const running = await this.#atWork(pid)
    const frozenMs = performance.now()
    child.kill('SIGSTOP')
    this.#freezes++
    const takeover = this.#start().then(async (helper) => {
      await this.#expectTakeover(running, pid, frozenMs)
      return helper
    })
    const isTaken = await Promise.race([
      takeover.then(() => true),
      delay(longestFreezeMs, false, { ref: false }),
    ])
    if (!isTaken) this.#frozenWithLock++
    child.kill('SIGCONT')
    const helper = await takeover
    await delay(longestWorkMs)
    await this.#kill(helper)
    return child
  }

  async #atWork(pid: number): Promise<string[]> {
    for (;;) {
      const running = this.#ledger.runningOn(pid)
      if (running.length > 0) return running
      await delay(5)
    }
  }

  async #expectTakeover(ids: readonly string[], pid: number, sinceMs: number): Promise<void> {
    await Promise.all(
      ids.map(async (id) => {
        const isOver = async () => (await this.#tasks.status(id))?.state === 'completed'
        const atMs = await this.#ledger.takeover(id, pid, isOver)
        if (atMs !== undefined) this.#takeoversMs.push(atMs - sinceMs)
      }),
    )
  }

  /** As a supervisor would: what does not come up is started again. */
  async #start(): Promise<ChildProcess> {
    for (let failures = 0; ; failures++) {
      try {
        return await this.#startOnce()
      } catch (error) {
        if (failures === mostFailedStarts) throw error
      }
    }
  }

  async #startOnce(): Promise<ChildProcess> {
    const { engine, tasks, postgres, store, concurrency } = this.#options
    const beginning: Beginning = { engine, tasks, postgres, store, concurrency }
    const child = fork(fileURLToPath(new URL('worker.ts', import.meta.url)), [
      JSON.stringify(beginning),
    ])
    this.#children.add(child)
    const ready = Promise.withResolvers<void>()
    child.on('message', (report: Report) => {
      if (report.kind === 'ready') ready.resolve()
      if (report.kind === 'fenced') this.#fenced.set(child.pid ?? 0, report.count)
      this.#ledger.note(child.pid ?? 0, report)
    })
    child.once('exit', (code) => ready.reject(new Error(`a worker ended with ${code}`)))
    await ready.promise
    return child
  }

  async #kill(child: ChildProcess): Promise<void> {
    this.#children.delete(child)
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  async #judge(): Promise<CrashOutcome> {
    let lost = 0
    let completedByFenced = 0
    let repeated = 0
    for (const id of this.#ids) {
      const status = await this.#tasks.wait(id, { timeoutMs: 60_000 })
      if (status?.state !== 'completed') {
        lost++
        continue
      }
      if (status.attempts > 1) repeated++
      if ((status.result as Completion).attempt !== status.attempts) completedByFenced++
    }
    const takeovers = this.#takeoversMs.sort((a, b) => a - b)
    return {
      kills: this.#kills,
      freezes: this.#freezes,
      refused: this.#refused,
      frozenWithLock: this.#frozenWithLock,
      tasks: this.#ids.length,
      executions: this.#ledger.executions,
      repeated,
      lost,
      completedTwice: this.#ids.filter((id) => this.#ledger.completionsOf(id) > 1).length,
      completedByFenced,
      fenced: [...this.#fenced.values()].reduce((sum, count) => sum + count, 0),
      medianTakeoverMs: Math.round(takeovers[Math.floor(takeovers.length / 2)] ?? 0),
      worstTakeoverMs: Math.round(takeovers.at(-1) ?? 0),
    }
  }
}

function randomBetween(least: number, most: number): number {
  return Math.round(least + Math.random() * (most - least))
}

/** The engine said that it has stored nothing of it. */
function isRefusal(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === 'HOTPATH_TASKS_STORE_FAILED'
}
