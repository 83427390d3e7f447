import type {
  createTasks,
  postgresEngine,
  redisEngine,
  sqliteEngine,
  TaskEngine,
} from 'hotpath/tasks'
import pg from 'pg'

/** What `hotpath/tasks` exports, from the package or from the source. */
export interface TasksRoom {
  readonly createTasks: typeof createTasks
  readonly postgresEngine: typeof postgresEngine
  readonly redisEngine: typeof redisEngine
  readonly sqliteEngine: typeof sqliteEngine
}

/** The engines that are put to the test; `address` is a file or a URL. */
export type EngineKind = keyof typeof engines

/** How a process makes its engine. */
export const engines = {
  sqlite: async (room: TasksRoom, address: string) =>
    room.sqliteEngine({ file: address }) as TaskEngine<never, never>,
  postgres: async (room: TasksRoom, address: string) => {
    const pool = new pg.Pool({ connectionString: address })
    pool.on('error', () => {})
    const engine = room.postgresEngine({ pool }) as TaskEngine<never, never>
    const close = engine.close.bind(engine)
    return Object.assign(engine, { close: () => close().then(() => pool.end()) })
  },
  redis: async (room: TasksRoom, address: string) => room.redisEngine({ url: address }),
}
