import type { ServerResponse } from 'node:http'
import { writeAnswer } from './node-answer.ts'
import type { TaskAnswer, TaskRequest, TaskRoutes } from './task-routes.ts'

/** Answers a request that has enqueued a task. */
export function acceptTask(routes: TaskRoutes<never>, response: ServerResponse, id: string): void {
  writeAnswer(response, 'POST', routes.accepted(id))
}

/** Answers a request that is about a task; `undefined` where it is about something else. */
export function serveTask<Raw>(
  routes: TaskRoutes<Raw>,
  request: TaskRequest<Raw>,
  response: ServerResponse,
): Promise<void> | undefined {
  return routes.take(request)?.then((answer) => write(answer, request.method, response))
}

async function write(answer: TaskAnswer, method: string, response: ServerResponse): Promise<void> {
  if (!('events' in answer)) return writeAnswer(response, method, answer)
  const { status, head, events, stop } = answer
  response.once('close', stop)
  if (response.destroyed) stop()
  else response.writeHead(status, head)
  for await (const event of events) {
    if (!response.write(event)) await drained(response)
  }
  response.end()
}

async function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return
  const { promise, resolve } = Promise.withResolvers<void>()
  response.once('drain', resolve).once('close', resolve)
  await promise
  // A slow client has many pauses in one response.
  response.off('drain', resolve).off('close', resolve)
}
