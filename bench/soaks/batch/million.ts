import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { startUpstream } from '../../batch/upstream.ts'

/** What became of the addresses. */
export interface Million {
  readonly done: number
  readonly failed: number
  readonly peakRssBytes: number
}

/**
 * The heap of the process. Left alone, V8 lets the young generation alone grow to 96 MB on a machine that
 * has the memory, whatever the program does. Whoever kept a kilobyte for each address would end here.
 */
export const heap = ['--max-semi-space-size=1', '--max-old-space-size=16']

/** Has a process of its own fetch `count` addresses from a server that answers at once. */
export async function fetchMillion(
  count: number,
  progress: (done: number) => void,
): Promise<Million> {
  const upstream = await startUpstream()
  const main = fileURLToPath(new URL('./child.mjs', import.meta.url))
  const child = fork(main, [upstream.url, `${count}`], {
    execArgv: heap,
    // What glibc holds back for each thread is no memory of the program either.
    env: { ...process.env, MALLOC_ARENA_MAX: '1' },
  })
  try {
    return await new Promise((resolve, reject) => {
      child.on('message', (message: Million | { readonly done: number }) => {
        if ('peakRssBytes' in message) resolve(message)
        else progress(message.done)
      })
      child.once('exit', (code, signal) => {
        reject(new Error(`the process ended early (${signal ?? code})`))
      })
    })
  } finally {
    child.kill('SIGKILL')
    upstream.close()
  }
}
