import { HotpathError } from '../../core/index.ts'
import { threadBroken } from './errors.ts'
import { Link, type LinkOwner } from './link.ts'
import type { Adoption, Question, Report, ThreadData } from './protocol.ts'

/** Who is told what the threads say unasked, and knows what a new one has to take over. */
export interface StandingLinkOwner {
  readonly file: string
  reported(report: Report): void
  adoption(): Adoption
  /** A thread has ended, or could not be started again. */
  died(error: unknown): void
  /** No thread is started any more, and every claim is lost. */
  broken(error: Error): void
}

// Six threads in a row, within some four seconds: longer than a lease, and less than a deadline.
const mostDeaths = 6
const firstPauseMs = 100
const longestPauseMs = 2_000

/** A thread that has lived for so long is not in the same row as the ones before. */
const calmMs = 60_000

/**
 * A link that outlives its threads. One that ends by itself is followed by another, which takes over
 * what this process has under way; who asks meanwhile waits for it. Where one after the other ends, that
 * is said, and no more are started.
 */
export class StandingLink implements LinkOwner {
  readonly file: string
  readonly #data: ThreadData
  readonly #owner: StandingLinkOwner
  #link: Link | undefined
  #reopening: Promise<Link> | undefined
  #deaths = 0
  #openedMs = 0
  #isHeld = false
  #isClosed = false
  #endPause: (() => void) | undefined

  private constructor(data: ThreadData, owner: StandingLinkOwner) {
    this.file = owner.file
    this.#data = data
    this.#owner = owner
  }

  /** @throws HotpathError HOTPATH_TASKS_STORE_FAILED */
  static async open(data: ThreadData, owner: StandingLinkOwner): Promise<StandingLink> {
    const standing = new StandingLink(data, owner)
    standing.#use(await Link.open(data, standing))
    return standing
  }

  /** Keeps the process alive while tasks are run. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    this.#link?.hold(isHeld)
  }

  /** @throws HotpathError HOTPATH_TASKS_STORE_FAILED */
  async ask<T>(question: Question): Promise<T> {
    const link = this.#link ?? (await this.#reopening)
    if (link === undefined) throw this.#closedError()
    return link.ask(question)
  }

  /** Asks once more should the thread end before it answers: what may be done by two. */
  async askAgain<T>(question: Question, again: Question): Promise<T> {
    const link = this.#link ?? (await this.#reopening)
    if (link === undefined) throw this.#closedError()
    try {
      return await link.ask(question)
    } catch (error) {
      if (!link.hasEnded) throw error
      return this.ask(again)
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#endPause?.()
    await this.#reopening?.catch(() => {})
    await this.#link?.close()
  }

  reported(report: Report): void {
    this.#owner.reported(report)
  }

  ended(link: Link, error: Error): void {
    // One that has not yet taken over is followed by who has started it.
    if (link !== this.#link) return
    this.#link = undefined
    if (performance.now() - this.#openedMs >= calmMs) this.#deaths = 0
    this.#reopening = this.#reopen(link, error)
    this.#reopening.then(
      (next) => this.#use(next),
      (reason: Error) => {
        if (!this.#isClosed) this.#owner.broken(reason)
      },
    )
  }

  #use(link: Link): void {
    this.#link = link
    this.#openedMs = performance.now()
    link.hold(this.#isHeld)
  }

  async #reopen(link: Link, error: unknown): Promise<Link> {
    let cause = error
    await link.stop()
    for (;;) {
      this.#owner.died(cause)
      if (++this.#deaths === mostDeaths) throw threadBroken(this.file, this.#deaths, cause)
      await this.#pause(Math.min(longestPauseMs, firstPauseMs * 2 ** (this.#deaths - 1)))
      if (this.#isClosed) throw this.#closedError()
      try {
        return await this.#replace()
      } catch (reason) {
        cause = reason
      }
    }
  }

  async #replace(): Promise<Link> {
    const link = await Link.open(this.#data, this)
    try {
      await link.ask({ ask: 'adopt', ...this.#owner.adoption() })
      return link
    } catch (error) {
      await link.stop()
      throw error
    }
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    // It holds the process, which has more to do.
    const timer = setTimeout(resolve, ms)
    this.#endPause = resolve
    await promise
    clearTimeout(timer)
  }

  #closedError(): HotpathError {
    return new HotpathError('HOTPATH_COMPONENT_CLOSED', `the task store ${this.file} is closed`)
  }
}
