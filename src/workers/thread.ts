import { giveWay } from './priority.ts'
import { reportTo } from './progress.ts'
import {
  slotBegun,
  slotWaiting,
  type Answer,
  type FromThread,
  type Session,
  type ThrownError,
  type ToThread,
} from './protocol.ts'
import { transfersOf } from './transfer.ts'

// Runs in each worker thread.

giveWay()

/** Runs calls, one at a time and in their order, until the main thread has no more of them. */
export default async function serve(session: Session): Promise<void> {
  const { port } = session
  const exports = (await import(session.moduleUrl)) as Record<string, unknown>
  const waiting: Exclude<ToThread, 'end'>[] = []
  let isRunning = false

  const runWaiting = async () => {
    isRunning = true
    for (let call = waiting.shift(); call !== undefined; call = waiting.shift()) {
      const [slot, name, input, isCheck = false] = call
      const running = run(session, exports, slot, name, input, isCheck)
      // A function that is not asynchronous is over by now; the next one need not wait for a turn.
      if (running !== undefined) await running
    }
    isRunning = false
  }

  await new Promise<void>((resolve) => {
    port.on('message', (message: ToThread) => {
      if (message === 'end') return resolve()
      waiting.push(message)
      if (!isRunning) void runWaiting()
    })
    say(session, 'ready')
  })
  port.close()
}

function run(
  session: Session,
  exports: Record<string, unknown>,
  slot: number,
  name: string,
  input: unknown,
  isCheck: boolean,
): Promise<void> | undefined {
  const { slots } = session
  if (Atomics.compareExchange(slots, slot, slotWaiting, slotBegun) !== slotWaiting) {
    return say(session, [slot, 'withdrawn', undefined, 0])
  }
  const fn = Object.hasOwn(exports, name) ? exports[name] : undefined
  if (typeof fn !== 'function') return say(session, [slot, 'unknown', functionNames(exports), 0])
  if (isCheck) return say(session, [slot, 'returned', undefined, 0])

  const startMs = performance.now()
  const returned = (value: unknown) => {
    reportTo(undefined)
    sayReturned(session, slot, name, value, performance.now() - startMs)
  }
  const threw = (error: unknown) => {
    reportTo(undefined)
    sayThrew(session, slot, error, performance.now() - startMs)
  }
  reportTo((value) => say(session, [slot, 'progress', value, 0]))
  try {
    const value: unknown = fn(input)
    if (isThenable(value)) return Promise.resolve(value).then(returned, threw)
    returned(value)
  } catch (error) {
    threw(error)
  }
}

function sayReturned(
  session: Session,
  slot: number,
  name: string,
  value: unknown,
  runMs: number,
): void {
  try {
    session.port.postMessage([slot, 'returned', value, runMs] satisfies Answer, [
      ...transfersOf(value),
    ])
  } catch (error) {
    say(session, [slot, 'uncloneable', String(error), runMs])
  }
}

function sayThrew(session: Session, slot: number, error: unknown, runMs: number): void {
  try {
    const properties = error instanceof Error ? Object.assign({}, error) : {}
    say(session, [slot, 'threw', { error, properties } satisfies ThrownError, runMs])
  } catch {
    const plain = new Error(String(error instanceof Error ? error.message : error))
    if (error instanceof Error && error.stack !== undefined) plain.stack = error.stack
    say(session, [slot, 'threw', { error: plain, properties: {} } satisfies ThrownError, runMs])
  }
}

function say({ port }: Session, message: FromThread): undefined {
  port.postMessage(message)
}

function functionNames(exports: Record<string, unknown>): string[] {
  return Object.keys(exports).filter((name) => typeof exports[name] === 'function')
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  )
}
