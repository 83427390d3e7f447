import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import { Readable } from 'node:stream'
import { invalid } from '../../core/index.ts'
import {
  TaskRoutes as Routes,
  type ServedTasks,
  type TaskAnswer,
  type TaskRoutesOptions,
} from '../../http/index.ts'

/** The routes by which clients see and cancel tasks, as a plugin. Made by {@link taskRoutes}. */
export interface TaskRoutes extends FastifyPluginCallback {
  /** Answers the request that has enqueued a task: 202, with `Location`. */
  accept(reply: FastifyReply, id: string): FastifyReply
}

/**
 * Tasks over HTTP: `GET` and `DELETE` of `/tasks/:id`, and `GET /tasks/:id/events`. The hooks of the
 * place where it is registered, a login for instance, come first.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import { taskRoutes } from 'hotpath/fastify'
 *
 * const routes = taskRoutes(tasks)
 * await app.register(routes)
 * app.post('/reports', async (request, reply) => {
 *   const { id } = await tasks.enqueue('report', { month: 3 })
 *   return routes.accept(reply, id)
 * })
 * ```
 */
export function taskRoutes(
  tasks: ServedTasks,
  options: TaskRoutesOptions<FastifyRequest> = {},
): TaskRoutes {
  const routes = new Routes(tasks, options)
  const plugin: FastifyPluginCallback = (app, _options, done) => {
    if (!routes.path.startsWith(app.prefix)) {
      invalid('path', `below ${app.prefix}, where its routes are registered`, routes.path)
    }
    const path = routes.path.slice(app.prefix.length)
    const handler = async (request: FastifyRequest, reply: FastifyReply) => {
      const { method, url, headers } = request
      const answer = await routes.take({ raw: request, method, url, headers })
      return answer === undefined ? reply.callNotFound() : send(answer, reply)
    }
    const method = ['GET', 'HEAD', 'DELETE', 'POST', 'PUT', 'PATCH']
    app.route({ method, url: `${path}/:id`, handler })
    app.route({ method, url: `${path}/:id/events`, handler })
    // A server that closes waits for its connections, and these would not end.
    app.addHook('preClose', async () => routes.close())
    done()
  }
  return Object.assign(plugin, {
    accept: (reply: FastifyReply, id: string) => send(routes.accepted(id), reply),
  })
}

function send(answer: TaskAnswer, reply: FastifyReply): FastifyReply {
  const { status, head } = answer
  void reply.code(status)
  for (let at = 0; at < head.length; at += 2) void reply.header(head[at] ?? '', head[at + 1])
  if (!('events' in answer)) return reply.send(answer.body)
  reply.raw.once('close', answer.stop)
  return reply.send(Readable.from(answer.events))
}
