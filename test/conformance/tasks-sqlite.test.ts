import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteEngine, type TaskEngine } from '../../src/tasks/index.ts'
import { tasksConformance } from './tasks.ts'

tasksConformance('tasks on SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hotpath-tasks-'))
  return {
    createEngine: () =>
      sqliteEngine({ file: join(folder, 'tasks.db') }) as TaskEngine<never, never>,
    close: async () => rmSync(folder, { recursive: true }),
  }
})
