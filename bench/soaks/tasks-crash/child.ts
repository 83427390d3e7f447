// A worker process that is about to be killed or frozen: it notes when it begins a task, and when its
// completion is in the store.
import { appendFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import type { listen } from 'hotpath'
import { engines, type TasksRoom } from './engines.ts'
import { taskName, type Beginning, type Note, type Signature } from './messages.ts'

const beginning = JSON.parse(process.argv[2] ?? '') as Beginning
const core = (await import(beginning.core)) as { listen: typeof listen }
const room = (await import(beginning.tasks)) as TasksRoom
const { pid } = process

core.listen('hotpath:tasks:state', ({ state, id, attempt }) => {
  if (state === 'completed') note('completed', id, attempt)
})
const tasks = room.createTasks({ engine: await engines[beginning.kind](room, beginning.address) })
tasks.define(taskName, {
  concurrency: 4,
  // So many workers die here that some task is unlucky again and again.
  retries: 50,
  run: async (_input: unknown, { id, attempt }): Promise<Signature> => {
    note('begun', id, attempt)
    await setTimeout(beginning.taskMs)
    return { pid, attempt }
  },
})
await tasks.start()
process.on('disconnect', () => process.exit())
process.send?.('ready')

function note(what: Note['what'], id: string, attempt: number): void {
  const line: Note = { what, id, attempt, atMs: Date.now(), pid }
  appendFileSync(beginning.logFile, `${JSON.stringify(line)}\n`)
}
