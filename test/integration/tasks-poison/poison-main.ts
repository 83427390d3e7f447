// A worker that a poison task kills as soon as it begins; others it completes.
import { createTasks } from '../../../src/tasks/index.ts'
import { openEngine, type EngineKind } from './open-engine.ts'

const [kind = '', store = ''] = process.argv.slice(2)
const tasks = createTasks({ engine: openEngine(kind as EngineKind, store) })
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
