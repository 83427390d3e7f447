import type { Context, MiddlewareHandler } from 'hono'
import {
  TaskRoutes as Routes,
  type ServedTasks,
  type TaskAnswer,
  type TaskRoutesOptions,
} from '../../http/index.ts'
import { headersFrom } from './headers.ts'
import { HonoRequestView } from './request-view.ts'

/** The routes by which clients see and cancel tasks, as middleware. Made by {@link taskRoutes}. */
export interface TaskRoutes extends MiddlewareHandler {
  /** The answer to the request that has enqueued a task: 202, with `Location`. */
  accept(context: Context, id: string): Response
  /** Ends the streams of events. Call it before the server is closed. */
  close(): void
}

/**
 * Tasks over HTTP: `GET` and `DELETE` of `/tasks/:id`, and `GET /tasks/:id/events`. What comes before it,
 * a login for instance, comes first.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import { taskRoutes } from 'hotpath/hono'
 *
 * const routes = taskRoutes(tasks)
 * app.use(routes)
 * app.post('/reports', async (context) => {
 *   const { id } = await tasks.enqueue('report', { month: 3 })
 *   return routes.accept(context, id)
 * })
 * ```
 */
export function taskRoutes(
  tasks: ServedTasks,
  options: TaskRoutesOptions<Context> = {},
): TaskRoutes {
  const routes = new Routes(tasks, options)
  const middleware: MiddlewareHandler = async (context, next) => {
    const answer = await routes.take(new HonoRequestView(context))
    return answer === undefined ? next() : responseOf(answer, context)
  }
  return Object.assign(middleware, {
    accept: (context: Context, id: string) => responseOf(routes.accepted(id), context),
    close: () => routes.close(),
  })
}

// Made of the context, so that it has the headers that other middleware has set.
function responseOf(answer: TaskAnswer, context: Context): Response {
  const made = context.body(null)
  const headers = new Headers(made.headers)
  for (const [name, value] of new Headers(headersFrom(answer.head))) headers.set(name, value)
  const { status } = answer
  if (!('events' in answer))
    return new Response(answer.body?.toString() ?? null, { status, headers })
  return new Response(streamOf(answer), { status, headers })
}

function streamOf({ events, stop }: Extract<TaskAnswer, { events: unknown }>): ReadableStream {
  const encoder = new TextEncoder()
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await events.next()
      if (done === true) controller.close()
      else controller.enqueue(encoder.encode(value))
    },
    cancel: stop,
  })
}
