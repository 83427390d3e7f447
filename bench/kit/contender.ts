import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Sample } from './figures.ts'
import type { OutageStep } from './outage-callers.ts'
import { pinned } from './pinning.ts'
import type { ServiceUrls } from './service-urls.ts'

/** What the kit asks of a contender's process. */
export type Request =
  | { readonly ask: 'start' | 'measure'; readonly workload: string }
  | { readonly ask: 'usage' | 'reset-peak' | 'stop' }
  | { readonly ask: 'outage'; readonly step: OutageStep }

export type Answer = { readonly value: unknown } | { readonly error: string }

/** What a contender's process has used so far. */
export interface Usage {
  readonly cpuMicros: number
  readonly peakRssBytes: number
}

/** A contender in a process of its own, on a core of its own where that is possible. */
export class ContenderProcess {
  readonly #child: ChildProcess
  // It answers one request after the other, and first of all that it is ready.
  #pending: PromiseWithResolvers<unknown>

  /** @param file - the URL of the bench */
  constructor(file: string, name: string, urls: ServiceUrls) {
    const main = fileURLToPath(new URL('./contender-main.ts', import.meta.url))
    const [command, args] = pinned('contender', [
      process.execPath,
      main,
      file,
      name,
      JSON.stringify(urls),
    ])
    this.#child = spawn(command, args, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, NODE_ENV: 'production' },
    })
    this.#pending = Promise.withResolvers()
    this.#child.on('message', (answer: Answer) => {
      if ('error' in answer) this.#pending.reject(new Error(`${name}: ${answer.error}`))
      else this.#pending.resolve(answer.value)
    })
    this.#child.once('error', (error) => this.#pending.reject(error))
    this.#child.once('exit', (code, signal) => {
      this.#pending.reject(new Error(`${name}: its process ended (${signal ?? `code ${code}`})`))
    })
  }

  /** Resolves when the process has loaded the bench. */
  async ready(): Promise<void> {
    await this.#pending.promise
  }

  /** @returns the URL, where the contender is a server */
  start(workload: string): Promise<string | undefined> {
    return this.#ask({ ask: 'start', workload }) as Promise<string | undefined>
  }

  measure(workload: string): Promise<Sample> {
    return this.#ask({ ask: 'measure', workload }) as Promise<Sample>
  }

  usage(): Promise<Usage> {
    return this.#ask({ ask: 'usage' }) as Promise<Usage>
  }

  async resetPeakRss(): Promise<void> {
    await this.#ask({ ask: 'reset-peak' })
  }

  /** @returns a sample at the last step, undefined before */
  outage(step: OutageStep): Promise<unknown> {
    return this.#ask({ ask: 'outage', step })
  }

  async stop(): Promise<void> {
    await this.#ask({ ask: 'stop' })
  }

  /**
   * Nothing of it runs until {@link resume}: a process that only waits for its next slice still
   * collects the garbage of the last one, seconds later and on the core of whoever is measured then.
   */
  pause(): void {
    this.#child.kill('SIGSTOP')
  }

  resume(): void {
    this.#child.kill('SIGCONT')
  }

  /** Ends the process; whatever it still holds goes with it. */
  end(): Promise<void> {
    this.#pending.promise.catch(() => {})
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return Promise.resolve()
    return new Promise((resolve) => {
      this.#child.once('exit', () => resolve())
      this.#child.kill('SIGKILL')
    })
  }

  #ask(request: Request): Promise<unknown> {
    this.#pending = Promise.withResolvers()
    const { reject } = this.#pending
    this.#child.send(request, (error) => error && reject(error))
    return this.#pending.promise
  }
}
