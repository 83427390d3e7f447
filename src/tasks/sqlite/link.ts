import { Worker } from 'node:worker_threads'
import { storeFailed, threadEnded } from './errors.ts'
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
  /** The thread has ended, unasked. */
  ended(link: Link, error: Error): void
}

/**
 * The line to one thread. What is asked while an answer is under way is sent together after it, so
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
  #endedBy: Error | undefined

  private constructor(worker: Worker, owner: LinkOwner) {
    this.#worker = worker
    this.#owner = owner
    worker.on('message', (report: Packed<Report>) => this.#receive(unpack(report)))
    worker.on('error', (error) => this.#break(error))
    worker.on('exit', (code) => this.#break(new Error(`its thread has ended with code ${code}`)))
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

  /** The thread has ended by itself: what was asked of it may have been done or not. */
  get hasEnded(): boolean {
    return this.#endedBy !== undefined
  }

  /** Keeps the process alive while tasks are run. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    this.#refresh()
  }

  /** @throws HotpathError HOTPATH_TASKS_STORE_FAILED */
  ask<T>(question: Question): Promise<T> {
    if (this.#isClosed) return Promise.reject(threadEnded(this.#owner.file, this.#endedBy))
    const ref = ++this.#lastRef
    const reply = Promise.withResolvers<unknown>()
    this.#pending.set(ref, reply)
    this.#queue.push({ ...question, ref })
    if (!this.#isBusy) this.#sendSoon()
    return reply.promise as Promise<T>
  }

  /** Ends the thread, whatever it is doing: after this it has let go of the file. */
  async stop(): Promise<void> {
    this.#isClosed = true
    await this.#worker.terminate()
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    const ended = new Promise((resolve) => this.#worker.once('exit', resolve))
    const closing = this.ask({ ask: 'close' })
    this.#isClosed = true
    // Should the thread end before it has closed, what it holds is taken over when its lease has run out.
    await closing.catch(() => {})
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
    for (const reply of this.#pending.values()) reply.reject(threadEnded(this.#owner.file, error))
    this.#pending.clear()
    if (this.#isClosed) return
    this.#isClosed = true
    this.#endedBy = error
    this.#owner.ended(this, error)
  }

  #refresh(): void {
    if (this.#isHeld || this.#pending.size > 0) this.#worker.ref()
    else this.#worker.unref()
  }

  #failed(error: StoreError): Error {
    return storeFailed('refused', this.#owner.file, error)
  }
}
