// Enqueues as many tasks as it is told under as many keys, and prints the ids that were new.
import { createTasks, sqliteEngine } from '../../../src/tasks/index.ts'

const [, , file = '', count = '', keys = ''] = process.argv
const tasks = createTasks({ engine: sqliteEngine({ file, lockTimeoutMs: 20_000 }) })
const task = tasks.define('unique', { run: (_input: number) => {} })
const asked = Array.from({ length: Number(count) }, (_, n) =>
  task.enqueue(n, { uniqueKey: `key-${n % Number(keys)}` }),
)
const answers = await Promise.all(asked)
console.log(JSON.stringify(answers.filter(({ isNew }) => isNew).map(({ id }) => id)))
await tasks.close()
