import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

/** How an upload was answered. */
export interface UploadAnswer {
  readonly status: number
  /** From the last byte that was sent to the answer. */
  readonly answeredMs: number
  /** Where its task is seen; undefined where all was done before the answer. */
  readonly location: string | undefined
}

/** What is seen of a task. */
export interface TaskSeen {
  readonly state: string
  readonly progress?: unknown
  readonly result?: { readonly added: number }
}

/** Between two looks at a task. */
const lookMs = 20

/** Sends a file to a build. */
export function sendUpload(port: number, body: string, signal: AbortSignal): Promise<UploadAnswer> {
  return new Promise((resolve, reject) => {
    let sentMs = Number.NaN
    const sending = request(
      { port, host: '127.0.0.1', method: 'POST', path: '/process-upload/', signal },
      (response) => {
        const answeredMs = performance.now() - sentMs
        response.resume().once('end', () => {
          const { statusCode: status = 0, headers } = response
          resolve({ status, answeredMs, location: headers.location })
        })
      },
    )
    sending.once('error', reject)
    sending.setHeader('content-type', 'application/xml')
    sending.setHeader('content-length', Buffer.byteLength(body))
    sending.end(body, () => (sentMs = performance.now()))
  })
}

/** Waits until a task is in a state that is looked for. */
export async function awaitTask(
  port: number,
  location: string,
  isIt: (task: TaskSeen) => boolean,
  signal: AbortSignal,
): Promise<TaskSeen> {
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}${location}`, { signal })
    const task = (await response.json()) as TaskSeen
    if (isIt(task)) return task
    if (task.state === 'failed') throw new Error(`the task ${location} failed`)
    await delay(lookMs, undefined, { signal })
  }
}

export function isCompleted({ state }: TaskSeen): boolean {
  return state === 'completed'
}
