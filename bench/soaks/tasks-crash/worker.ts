// A worker that is killed, or frozen and thawed, in the middle of its tasks.
import { channel } from 'node:diagnostics_channel'
import { setTimeout as delay } from 'node:timers/promises'
import { taskName, type Beginning, type Completion, type Report } from './messages.ts'
import { openTasks } from './open-tasks.ts'

const beginning = JSON.parse(process.argv[2] ?? '') as Beginning
const { tasks } = await openTasks(beginning)

tasks.define(taskName, {
  concurrency: beginning.concurrency,
  retries: 100,
  // It does not listen to its signal: a process that was frozen shall try to complete.
  run: async (workMs: number, { id, attempt }): Promise<Completion> => {
    report({ kind: 'begun', id, attempt })
    await delay(workMs)
    return { pid: process.pid, attempt }
  },
})

interface StateChange {
  readonly state: string
  readonly id: string
  readonly attempt: number
}

channel('hotpath:tasks:state').subscribe((message) => {
  const { state, id, attempt } = message as StateChange
  if (state === 'completed') report({ kind: 'completed', id, attempt })
})
channel('hotpath:tasks:trouble').subscribe((message) => {
  const { operation, error } = message as { operation: string; error: unknown }
  report({ kind: 'trouble', message: `${operation}: ${String(error)}` })
})

let fencedCount = 0
setInterval(() => {
  const { fenced } = tasks.stats()
  if (fenced === fencedCount) return
  fencedCount = fenced
  report({ kind: 'fenced', count: fenced })
}, 50).unref()

process.on('disconnect', () => process.exit())
await tasks.start()
report({ kind: 'ready' })

function report(message: Report): void {
  process.send?.(message)
}
