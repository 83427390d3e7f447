// Enqueues one task after the other and says of each that it was acknowledged, for whoever watches
// what this process asks of the disk.
import { writeSync } from 'node:fs'
import { createTasks, sqliteEngine } from '../../../src/tasks/index.ts'

const [, , file = '', count = ''] = process.argv
const tasks = createTasks({ engine: sqliteEngine({ file }) })
const task = tasks.define('traced', { run: (input: string) => input })
for (let n = 0; n < Number(count); n++) {
  const { id } = await task.enqueue('x'.repeat(200))
  writeSync(1, `acknowledged ${id}\n`)
}
if (process.argv[4] === 'crash') process.kill(process.pid, 'SIGKILL')
await tasks.close()
