import { createPool } from '../../src/postgres/index.ts'
import { postgresEngine, type TaskEngine } from '../../src/tasks/index.ts'
import { useDatabase } from '../services.ts'
import { tasksConformance } from './tasks.ts'

const { url } = await useDatabase()

tasksConformance('tasks on PostgreSQL', async () => {
  const pool = createPool(url)
  return {
    createEngine: () => postgresEngine({ pool, leaseMs: 2_000 }) as TaskEngine<never, never>,
    close: () => pool.close(),
  }
})
