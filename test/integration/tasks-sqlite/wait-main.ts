// Waits for a task that another process runs, and prints its result.
import { createTasks, sqliteEngine } from '../../../src/tasks/index.ts'

const [, , file = '', id = ''] = process.argv
const tasks = createTasks({ engine: sqliteEngine({ file }) })
const task = tasks.define('slow', { run: () => '' })
await task.status(id)
console.log('waits')
const status = await task.wait(id, { timeoutMs: 20_000 })
console.log(status?.state === 'completed' ? status.result : status?.state)
await tasks.close()
