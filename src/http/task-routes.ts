import type { IncomingHttpHeaders } from 'node:http'
import { HotpathError, listen } from '../core/index.ts'
import type { ReadyAnswer } from './answer.ts'
import {
  acceptedAnswer,
  endedTask,
  forbiddenTask,
  isEnded,
  statusAnswer,
  tooManyListeners,
  unknownTask,
  wrongMethod,
} from './task-answers.ts'
import { lastEventId, taskEvents } from './task-events.ts'
import {
  resolveTaskRoutesOptions,
  type ResolvedTaskRoutesOptions,
  type ServedTask,
  type ServedTasks,
  type TaskRoutesOptions,
} from './task-options.ts'

/** A request as the routes read it. */
export interface TaskRequest<Raw> {
  readonly raw: Raw
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

/** What an adapter writes: an answer, or a head and then events until they end. */
export type TaskAnswer =
  | ReadyAnswer
  | {
      readonly status: 200
      readonly head: string[]
      readonly events: AsyncGenerator<string>
      /** Ends them; to be called when the client goes. */
      readonly stop: () => void
    }

/** Tasks over HTTP, without a framework. */
export class TaskRoutes<Raw> {
  readonly #tasks: ServedTasks
  readonly #options: ResolvedTaskRoutesOptions<Raw>
  readonly #streams = new Set<AbortController>()
  readonly #wakers = new Map<string, Set<() => void>>()
  #stopListening: (() => void) | undefined
  #isClosed = false

  /** @throws HotpathError HOTPATH_OPTION_INVALID */
  constructor(tasks: ServedTasks, options: TaskRoutesOptions<Raw>) {
    if (typeof tasks?.status !== 'function') {
      throw new HotpathError('HOTPATH_OPTION_INVALID', 'taskRoutes needs what createTasks returns')
    }
    this.#tasks = tasks
    this.#options = resolveTaskRoutesOptions(options)
  }

  get path(): string {
    return this.#options.path
  }

  /** The answer to the request that has enqueued a task. */
  accepted(id: string): ReadyAnswer {
    return acceptedAnswer(`${this.#options.path}/${id}`, id)
  }

  /** `undefined`: the request is about something else. */
  take(request: TaskRequest<Raw>): Promise<TaskAnswer> | undefined {
    const place = this.#placeOf(request.url)
    if (place === undefined) return undefined
    return place.isEvents ? this.#events(place.id, request) : this.#task(place.id, request)
  }

  /** Ends the streams of events; clients come again, to another process. */
  close(): void {
    this.#isClosed = true
    for (const stream of this.#streams) stream.abort()
  }

  #placeOf(url: string): { id: string; isEvents: boolean } | undefined {
    const prefix = `${this.#options.path}/`
    if (!url.startsWith(prefix)) return undefined
    const rest = url.slice(prefix.length).split('?', 1)[0] ?? ''
    const [id = '', events, ...more] = rest.split('/')
    if (id === '' || more.length > 0) return undefined
    if (events !== undefined && events !== 'events') return undefined
    // The ids of tasks need no escape; what has one is no id, and is not found.
    return { id, isEvents: events !== undefined }
  }

  async #task(id: string, request: TaskRequest<Raw>): Promise<TaskAnswer> {
    const { method, headers } = request
    const isRead = method === 'GET' || method === 'HEAD'
    if (!isRead && method !== 'DELETE') return wrongMethod('GET, HEAD, DELETE')
    const task = await this.#find(id, request)
    if ('refusal' in task) return task.refusal
    if (isRead) return statusAnswer(task.found, headers['if-none-match'])
    const isCancelled = await this.#tasks.cancel(id)
    const now = await this.#tasks.status(id)
    if (now === undefined) return unknownTask()
    return isCancelled ? statusAnswer(now, undefined) : endedTask(now)
  }

  async #events(id: string, request: TaskRequest<Raw>): Promise<TaskAnswer> {
    const { method, headers } = request
    if (method !== 'GET') return wrongMethod('GET')
    const task = await this.#find(id, request)
    if ('refusal' in task) return task.refusal
    // A browser connects again when a stream ends, unless it gets a 204.
    if (headers['last-event-id'] === lastEventId && isEnded(task.found)) {
      return { status: 204, head: [], body: undefined }
    }
    if (this.#streams.size >= this.#options.maxListeners) return tooManyListeners()
    const stream = new AbortController()
    const events = this.#stream(task.found, stream)
    return { status: 200, head: [...eventsHead], events, stop: () => stream.abort() }
  }

  async #find(
    id: string,
    { raw }: TaskRequest<Raw>,
  ): Promise<{ found: ServedTask } | { refusal: ReadyAnswer }> {
    const found = await this.#tasks.status(id)
    if (found === undefined) return { refusal: unknownTask() }
    const access = await this.#options.canAccess(raw, found)
    if (access === true) return { found }
    return { refusal: access === 403 ? forbiddenTask() : unknownTask() }
  }

  async *#stream(task: ServedTask, stream: AbortController): AsyncGenerator<string> {
    if (this.#isClosed) stream.abort()
    this.#streams.add(stream)
    try {
      yield* taskEvents(task, {
        ...this.#options,
        ask: () => this.#tasks.status(task.id),
        listen: (wake) => this.#wakeFor(task.id, wake),
        signal: stream.signal,
      })
    } finally {
      this.#streams.delete(stream)
    }
  }

  #wakeFor(id: string, wake: () => void): () => void {
    this.#stopListening ??= listen('hotpath:tasks:state', (event) => {
      for (const wakeOne of this.#wakers.get(event.id) ?? []) wakeOne()
    })
    const wakers = this.#wakers.get(id) ?? new Set()
    this.#wakers.set(id, wakers.add(wake))
    return () => {
      wakers.delete(wake)
      if (wakers.size === 0) this.#wakers.delete(id)
      if (this.#wakers.size > 0) return
      this.#stopListening?.()
      this.#stopListening = undefined
    }
  }
}

const eventsHead = [
  'content-type',
  'text/event-stream',
  // Neither kept nor compressed: an event is to arrive when it happens.
  'cache-control',
  'no-store, no-transform',
  // nginx.
  'x-accel-buffering',
  'no',
]
