import type { createPool } from 'hotpath/postgres'
import type * as TasksRoom from 'hotpath/tasks'
import type { Tasks } from 'hotpath/tasks'
import type { Beginning } from './messages.ts'

export interface OpenTasks {
  readonly tasks: Tasks
  close(): Promise<void>
}

/** Tasks on the engine that is put to it, with its defaults. */
export async function openTasks(beginning: Omit<Beginning, 'concurrency'>): Promise<OpenTasks> {
  const room = (await import(beginning.tasks)) as typeof TasksRoom
  const { createTasks, postgresEngine, redisEngine, sqliteEngine } = room
  const { engine, store } = beginning
  switch (engine) {
    case 'postgres': {
      const postgres = (await import(beginning.postgres)) as { createPool: typeof createPool }
      const pool = postgres.createPool(store)
      const tasks = createTasks({ engine: postgresEngine({ pool }) })
      return {
        tasks,
        async close() {
          await tasks.close()
          await pool.close()
        },
      }
    }
    case 'redis': {
      const tasks = createTasks({ engine: redisEngine({ url: store }) })
      return { tasks, close: () => tasks.close() }
    }
    case 'sqlite': {
      const tasks = createTasks({ engine: sqliteEngine({ file: store }) })
      return { tasks, close: () => tasks.close() }
    }
  }
}
