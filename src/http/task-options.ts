import {
  invalid,
  knownOptions,
  positiveInteger,
  systemClock,
  timerMs,
  type Clock,
} from '../core/index.ts'

/** What the routes use of `createTasks`. */
export interface ServedTasks {
  status(id: string): Promise<ServedTask | undefined>
  cancel(id: string): Promise<boolean>
}

/** A task's status, as `createTasks` tells it. */
export interface ServedTask {
  readonly id: string
  readonly name: string
  readonly state: 'queued' | 'processing' | 'completed' | 'failed' | 'cancelled'
  readonly attempts: number
  readonly progress: unknown
  readonly enqueuedMs: number
  readonly startedMs?: number | undefined
  readonly endedMs?: number | undefined
  readonly result?: unknown
  readonly error?: { readonly message: string; readonly code?: string | undefined } | undefined
}

/** How tasks are seen over HTTP; `Request` is the framework's own. */
export interface TaskRoutesOptions<Request> {
  /**
   * Where the routes are, as clients see it: `GET` and `DELETE` of `<path>/:id`, and
   * `GET <path>/:id/events`.
   *
   * @defaultValue '/tasks'
   */
  path?: string | undefined
  /**
   * Who may see and cancel a task. `false` answers as if there were no such task, with 404; `403` says
   * that there is one. What it throws goes to the app's error handler.
   *
   * @defaultValue whoever knows its id, which nobody can guess
   */
  canAccess?:
    | ((request: Request, task: ServedTask) => boolean | 403 | Promise<boolean | 403>)
    | undefined
  /**
   * How often, in milliseconds, the store is asked for the progress of a task whose events somebody
   * listens to. What this process hears of, it tells at once.
   *
   * @defaultValue 1_000
   */
  pollMs?: number | undefined
  /**
   * After so many milliseconds without an event a comment is sent, so that no proxy takes the
   * connection for dead.
   *
   * @defaultValue 15_000
   */
  heartbeatMs?: number | undefined
  /**
   * How many may listen to events at a time in this process; the next one gets a 503.
   *
   * @defaultValue 1_000
   */
  maxListeners?: number | undefined
  /** @defaultValue the real time */
  clock?: Clock | undefined
}

/** {@link TaskRoutesOptions}, complete and checked. */
export interface ResolvedTaskRoutesOptions<Request> {
  readonly path: string
  readonly canAccess: NonNullable<TaskRoutesOptions<Request>['canAccess']>
  readonly pollMs: number
  readonly heartbeatMs: number
  readonly maxListeners: number
  readonly clock: Clock
}

const optionNames = ['path', 'canAccess', 'pollMs', 'heartbeatMs', 'maxListeners', 'clock']

/** @throws HotpathError HOTPATH_OPTION_INVALID */
export function resolveTaskRoutesOptions<Request>(
  options: TaskRoutesOptions<Request>,
): ResolvedTaskRoutesOptions<Request> {
  knownOptions('taskRoutes', options, optionNames)
  const { path = '/tasks', canAccess = () => true } = options
  if (typeof path !== 'string' || !/^(?:\/[^/?#]+)+$/.test(path)) {
    invalid('path', "a path such as '/tasks', without a slash at its end", path)
  }
  if (typeof canAccess !== 'function') invalid('canAccess', 'a function', canAccess)
  return {
    path,
    canAccess,
    pollMs: timerMs('pollMs', options.pollMs ?? 1_000),
    heartbeatMs: timerMs('heartbeatMs', options.heartbeatMs ?? 15_000),
    maxListeners: positiveInteger('maxListeners', options.maxListeners ?? 1_000),
    clock: options.clock ?? systemClock,
  }
}
