// Runs a task, and closes when it is told to: on a server that answers nobody by then.
import { createTasks } from '../../../src/tasks/index.ts'
import { openEngine, type EngineKind } from '../tasks-poison/open-engine.ts'

const [kind = '', url = ''] = process.argv.slice(2)
const tasks = createTasks({ engine: openEngine(kind as EngineKind, url), drainTimeoutMs: 500 })
const task = tasks.define('endless', {
  run: (_: null, { signal }) =>
    new Promise<void>((resolve) => {
      process.send?.('runs')
      signal.addEventListener('abort', () => resolve())
    }),
})
await tasks.start()
await task.enqueue(null)
process.once('message', () => {
  void tasks.close().then(() => {
    process.send?.('closed')
    process.disconnect()
    // The pool is not ours to close, and its server is frozen.
    if (kind === 'postgres') process.exit()
  })
})
