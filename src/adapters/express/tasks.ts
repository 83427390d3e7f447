import type { Request, RequestHandler, Response } from 'express'
import {
  acceptTask,
  serveTask,
  TaskRoutes as Routes,
  type ServedTasks,
  type TaskRoutesOptions,
} from '../../http/index.ts'
import { ExpressRequestView } from './request-view.ts'

/** The routes by which clients see and cancel tasks, as middleware. Made by {@link taskRoutes}. */
export interface TaskRoutes extends RequestHandler {
  /** Answers the request that has enqueued a task: 202, with `Location`. */
  accept(response: Response, id: string): void
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
 * import { taskRoutes } from 'hotpath/express'
 *
 * const routes = taskRoutes(tasks)
 * app.use(routes)
 * app.post('/reports', async (request, response) => {
 *   const { id } = await tasks.enqueue('report', { month: 3 })
 *   routes.accept(response, id)
 * })
 * ```
 */
export function taskRoutes(
  tasks: ServedTasks,
  options: TaskRoutesOptions<Request> = {},
): TaskRoutes {
  const routes = new Routes(tasks, options)
  const middleware: RequestHandler = (request, response, next) => {
    const serving = serveTask(routes, new ExpressRequestView(request), response)
    if (serving === undefined) next()
    // Express hands on what a promise rejects with.
    return serving
  }
  return Object.assign(middleware, {
    accept: (response: Response, id: string) => acceptTask(routes, response, id),
    close: () => routes.close(),
  })
}
