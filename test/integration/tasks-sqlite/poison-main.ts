// A worker that a poison task kills as soon as it begins; others it completes.
import { createTasks, sqliteEngine } from '../../../src/tasks/index.ts'

const tasks = createTasks({ engine: sqliteEngine({ file: process.argv[2] ?? '', leaseMs: 500 }) })
tasks.define('poison', {
  concurrency: 1,
  retries: 0,
  run: (input: string) => {
    if (input === 'poison') process.kill(process.pid, 'SIGKILL')
    return input
  },
})
await tasks.start()
process.on('disconnect', () => process.exit())
