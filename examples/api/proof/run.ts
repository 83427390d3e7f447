import { constants } from 'node:os'
import { sentenceFor } from './failure.ts'

/** One run of the example: it can be interrupted at any moment, and cleans up what it began. */
export interface Run {
  /** Aborts when the run is interrupted. */
  readonly signal: AbortSignal
  /** Adds a step to the end of the run; the steps run in the reverse of this order. */
  defer(close: () => Promise<void> | void): void
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * npm hands the terminal's Ctrl-C on to us a second time; only a later one is a second wish.
 */
const echoMs = 500

/**
 * Runs `body`, then everything deferred, and ends the process: with the exit code that `body`
 * returns, with 1 and one sentence when it fails, with 130 after Ctrl-C. A second Ctrl-C does not
 * wait: the services are then cleaned up by the keeper they run under.
 */
export async function execute(body: (run: Run) => Promise<number>): Promise<never> {
  const controller = new AbortController()
  const closers: (() => Promise<void> | void)[] = []
  let exitCode = 0
  let interruptedMs = 0

  const interrupt = (code: number) => {
    if (!controller.signal.aborted) {
      exitCode = code
      interruptedMs = performance.now()
      controller.abort(new Error('interrupted'))
      process.stderr.write('\nStopping: servers, database and folders are being removed.\n')
    } else if (performance.now() - interruptedMs > echoMs) {
      process.exit(code)
    }
  }
  for (const signal of signals) {
    process.on(signal, () => interrupt(128 + constants.signals[signal]))
  }
  // The terminal or the pipe that read us is gone: nobody is left to show the rest to.
  process.stdout.on('error', () => interrupt(128 + constants.signals.SIGHUP))
  process.stderr.on('error', () => interrupt(128 + constants.signals.SIGHUP))

  try {
    const code = await body({
      signal: controller.signal,
      defer: (close) => void closers.unshift(close),
    })
    exitCode ||= code
  } catch (error) {
    if (!controller.signal.aborted) {
      exitCode = 1
      process.stderr.write(`\n${describe(error)}\n`)
    }
  }
  for (const close of closers) {
    try {
      await close()
    } catch (error) {
      exitCode ||= 1
      process.stderr.write(`${describe(error)}\n`)
    }
  }
  process.exit(exitCode)
}

function describe(error: unknown): string {
  const sentence = sentenceFor(error)
  if (sentence !== undefined) return sentence
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
