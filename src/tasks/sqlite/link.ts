import { Worker } from 'node:worker_threads'
import { storeFailed } from './errors.ts'
import {
  packRequests,
  unpack,
  type Packed,
  type Question,
  type Report,
  type Request,
  type StoreError,
  type ThreadData,
} from './protocol.ts'
import type { Opening } from './thread.ts'

/** Who is told what the thread says unasked. */
export interface LinkOwner {
  readonly file: string
  reported(report: Report): void
  /** The thread is gone, and with it every claim. */
  broken(error: Error): void
}

/**
 * The line to the thread. What is asked while an answer is under way is sent together after it, so
 * that simultaneous enqueues share one transaction.
 */
export class Link {
  readonly #worker: Worker
  readonly #owner: LinkOwner
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>()
  #queue: Request[] = []
  #lastRef = 0
  #isBusy = false
  #isHeld = false
  #isClosed = false

  private constructor(worker: Worker, owner: LinkOwner) {
    this.#worker = worker
    this.#owner = owner
    worker.on('message', (report: Packed<Report>) => this.#receive(unpack(report)))
    worker.on('error', (error) => this.#break(error))
    worker.on('exit', () => this.#break(new Error('the thread of the task store has ended')))
    worker.unref()
  }

  /** @throws HotpathError HOTPATH_TASKS_STORE_FAILED */
  static async open(data: ThreadData, owner: LinkOwner): Promise<Link> {
    const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const worker = new Worker(new URL(`./thread.${ending}`, import.meta.url), {
      workerData: data,
      name: 'hotpath-tasks',
      // None of the process' own flags: loaders cost memory here, and some (--input-type) end it. Node 22
      // warns that SQLite is experimental; nothing of what was experimental in it is used.
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    const opened = Promise.withResolvers<Opening>()
    const fail = ({ message, stack }: Error) => {
      opened.resolve({ error: { message, stack, sqliteCode: undefined } })
    }
    const end = () => fail(new Error('its thread ended before it had begun'))
    worker.once('message', opened.resolve).once('error', fail).once('exit', end)
    const { error } = await opened.promise
    worker.off('error', fail).off('exit', end)
    if (error !== undefined) {
      await worker.terminate()
      throw storeFailed('cannot be opened', data.file, error)
    }
    return new Link(worker, owner)
  }

  /** Keeps the process alive while tasks are run. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    this.#refresh()
  }

  /** @throws HotpathError HOTPATH_TASKS_STORE_FAILED */
  ask<T>(question: Question): Promise<T> {
    if (this.#isClosed) return Promise.reject(this.#gone())
    const ref = ++this.#lastRef
    const reply = Promise.withResolvers<unknown>()
    this.#pending.set(ref, reply)
    this.#queue.push({ ...question, ref })
    if (!this.#isBusy) this.#sendSoon()
    return reply.promise as Promise<T>
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    const ended = new Promise((resolve) => this.#worker.once('exit', resolve))
    const closing = this.ask({ ask: 'close' })
    this.#isClosed = true
    await closing
    this.#worker.ref()
    await ended
  }

  /** After the running code: what it asks in one go is one batch. */
  #sendSoon(): void {
    this.#isBusy = true
    queueMicrotask(() => this.#send())
  }

  #send(): void {
    const batch = this.#queue
    this.#queue = []
    this.#worker.postMessage(packRequests(batch), [])
    this.#refresh()
  }

  #receive(report: Report): void {
    for (const { ref, error, ...answer } of report.answers) {
      const reply = this.#pending.get(ref)
      this.#pending.delete(ref)
      if (error === undefined) reply?.resolve((answer as { value?: unknown }).value)
      else reply?.reject(this.#failed(error))
    }
    this.#owner.reported(report)
    if (report.isReply) {
      this.#isBusy = this.#queue.length > 0
      if (this.#isBusy) this.#sendSoon()
    }
    this.#refresh()
  }

  #break(error: Error): void {
    const wasClosed = this.#isClosed
    this.#isClosed = true
    for (const reply of this.#pending.values()) reply.reject(this.#gone(error))
    this.#pending.clear()
    if (!wasClosed) this.#owner.broken(error)
  }

  #refresh(): void {
    if (this.#isHeld || this.#pending.size > 0) this.#worker.ref()
    else this.#worker.unref()
  }

  #failed(error: StoreError): Error {
    return storeFailed('refused', this.#owner.file, error)
  }

  #gone(cause?: Error): Error {
    const { message = 'its thread has ended', stack } = cause ?? {}
    return storeFailed('is gone', this.#owner.file, { message, stack, sqliteCode: undefined })
  }
}
