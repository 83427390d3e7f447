import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  acceptTask,
  NodeRequestView,
  serveTask,
  TaskRoutes as Routes,
  type ServedTasks,
  type TaskRoutesOptions,
} from '../../http/index.ts'

/** The routes by which clients see and cancel tasks. Made by {@link taskRoutes}. */
export interface TaskRoutes {
  /**
   * Answers a request that is about a task, and resolves to true when it has; to false, and does
   * nothing, where it is about something else. Rejects with what the store of the tasks, or
   * `canAccess`, throws.
   */
  handle(request: IncomingMessage, response: ServerResponse): Promise<boolean>
  /** Answers the request that has enqueued a task: 202, with `Location`. */
  accept(response: ServerResponse, id: string): void
  /** Ends the streams of events. Call it before the server is closed. */
  close(): void
}

/**
 * Tasks over HTTP: `GET` and `DELETE` of `/tasks/:id`, and `GET /tasks/:id/events`.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { taskRoutes } from 'hotpath/node'
 *
 * const routes = taskRoutes(tasks)
 * createServer(async (request, response) => {
 *   if (await routes.handle(request, response)) return
 *   const { id } = await tasks.enqueue('report', { month: 3 })
 *   routes.accept(response, id)
 * })
 * ```
 */
export function taskRoutes(
  tasks: ServedTasks,
  options: TaskRoutesOptions<IncomingMessage> = {},
): TaskRoutes {
  const routes = new Routes(tasks, options)
  return {
    async handle(request, response) {
      const serving = serveTask(routes, new NodeRequestView(request), response)
      await serving
      return serving !== undefined
    },
    accept: (response, id) => acceptTask(routes, response, id),
    close: () => routes.close(),
  }
}
