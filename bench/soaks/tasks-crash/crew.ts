import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import type { Beginning, Note } from './messages.ts'

const childFile = new URL('./child.ts', import.meta.url)

/** The worker processes of a run, and what they noted. */
export class Crew implements AsyncDisposable {
  readonly #beginning: Beginning
  readonly #workers: ChildProcess[] = []

  constructor(beginning: Beginning) {
    this.#beginning = beginning
  }

  async add(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.#start()))
  }

  /** Kills a worker that is in the middle of work, and says which and when. */
  async kill(random: () => number): Promise<{ pid: number; atMs: number }> {
    const worker = await this.#pickBusy(random)
    const exited = once(worker, 'exit')
    const atMs = Date.now()
    worker.kill('SIGKILL')
    await exited
    this.#workers.splice(this.#workers.indexOf(worker), 1)
    return { pid: worker.pid ?? 0, atMs }
  }

  /** Stops a worker in the middle of work, and lets it go on when others have its tasks. */
  async freeze(random: () => number, forMs: number): Promise<void> {
    const worker = await this.#pickBusy(random)
    worker.kill('SIGSTOP')
    try {
      await setTimeout(forMs)
    } finally {
      worker.kill('SIGCONT')
    }
  }

  notes(): Note[] {
    return readLines(this.#beginning.logFile)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const living = this.#workers.filter((worker) => worker.exitCode === null)
    await Promise.all(
      living.map(async (worker) => {
        const exited = once(worker, 'exit')
        worker.kill('SIGKILL')
        await exited
      }),
    )
  }

  async #start(): Promise<void> {
    const worker = fork(childFile, [JSON.stringify(this.#beginning)])
    this.#workers.push(worker)
    await once(worker, 'message')
  }

  async #pickBusy(random: () => number): Promise<ChildProcess> {
    for (;;) {
      const worker = this.#workers[Math.floor(random() * this.#workers.length)]
      if (worker === undefined) throw new Error('no worker is alive')
      if (isBusy(this.notes(), worker.pid ?? 0)) return worker
      await setTimeout(10)
    }
  }
}

function isBusy(notes: readonly Note[], pid: number): boolean {
  const open = new Set<string>()
  for (const note of notes) {
    if (note.pid !== pid) continue
    const attempt = `${note.id} ${note.attempt}`
    if (note.what === 'begun') open.add(attempt)
    else open.delete(attempt)
  }
  return open.size > 0
}

function readLines(file: string): Note[] {
  const lines = readFileSync(file, { encoding: 'utf8', flag: 'a+' }).split('\n')
  // The last may be cut short by a SIGKILL.
  return lines.slice(0, -1).flatMap((line) => {
    try {
      return [JSON.parse(line) as Note]
    } catch {
      return []
    }
  })
}
