import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { pinned } from '../kit/pinning.ts'

/** A server that answers after a while: `${url}/20` after 20 ms. */
export interface Upstream {
  readonly url: string
  /** How many requests it has had. */
  requestCount(): Promise<number>
  close(): void
}

/** Starts the server on the cores of the load; it ends with this process. */
export async function startUpstream(): Promise<Upstream> {
  const main = fileURLToPath(new URL('./upstream-main.ts', import.meta.url))
  const [command, args] = pinned('load', [process.execPath, main])
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const port = await answerOf(child)
  child.unref()
  child.channel?.unref()
  return {
    url: `http://127.0.0.1:${port}`,
    requestCount: () => {
      child.send('count')
      return answerOf(child)
    },
    close: () => void child.kill('SIGKILL'),
  }
}

async function answerOf(child: ChildProcess): Promise<number> {
  child.channel?.ref()
  const [answer] = (await once(child, 'message')) as [number]
  child.channel?.unref()
  return answer
}
