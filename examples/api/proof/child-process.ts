import { fork, type Serializable } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface ChildOptions {
  /** What the child is called in a sentence about it. */
  readonly name: string
  readonly args?: readonly string[] | undefined
  readonly env?: NodeJS.ProcessEnv | undefined
  /** The cores to keep it to, as `taskset -c` writes them. */
  readonly cores?: string | undefined
}

/** A module that runs in a process of its own and talks to us in messages. */
export interface Child {
  readonly pid: number | undefined
  send(message: Serializable): void
  /** The next message. Rejects when the signal aborts, or when the process ends without one. */
  receive(signal: AbortSignal): Promise<unknown>
  /** Ends the process and waits until it is gone. */
  close(): Promise<void>
  /** The same, without asking. */
  kill(): Promise<void>
}

/** How long a child may take to end by itself before it is killed. */
const closeMs = 500

/** How much of a child's standard error is kept, to say why it ended. */
const maxErrorChars = 4_000

/**
 * Starts a module in a process of its own, and in a process group of its own: a Ctrl-C in the
 * terminal then reaches only us, and we end our children in our order. Should we be killed, the
 * closed channel tells them.
 */
export function startChild(module: URL, options: ChildOptions): Child {
  const { args = [], cores } = options
  const launcher =
    cores === undefined
      ? { execPath: process.execPath, execArgv: [] }
      : { execPath: 'taskset', execArgv: ['-c', cores, process.execPath] }
  const child = fork(fileURLToPath(module), args, {
    ...launcher,
    env: options.env ?? process.env,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let errorText = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errorText = (errorText + text).slice(-maxErrorChars)
  })
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(`could not be started: ${error.message}`))
    child.on('exit', (code, signal) => resolve(`ended early (${signal ?? `exit code ${code}`})`))
  })

  return {
    pid: child.pid,
    send: (message) => void child.send(message),
    async receive(signal) {
      const settled = new AbortController()
      const either = AbortSignal.any([signal, settled.signal])
      const failed = ended.then((how) => {
        throw new Error(`the ${options.name} ${how}${errorText === '' ? '' : `\n${errorText}`}`)
      })
      try {
        const [message] = await Promise.race([once(child, 'message', { signal: either }), failed])
        return message
      } finally {
        settled.abort()
      }
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
      child.kill('SIGTERM')
      const killer = setTimeout(() => child.kill('SIGKILL'), closeMs)
      await ended
      clearTimeout(killer)
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
