import type { sqliteEngine, TaskEngine } from 'hotpath/tasks'

/** What `hotpath/tasks` exports, from the package or from the source. */
export interface TasksRoom {
  readonly createTasks: typeof import('hotpath/tasks').createTasks
  readonly sqliteEngine: typeof sqliteEngine
}

/** The engines that are put to the test; `address` is a file or a URL. */
export type EngineKind = keyof typeof engines

/** How a process makes its engine. */
export const engines = {
  sqlite: async (room: TasksRoom, address: string) =>
    room.sqliteEngine({ file: address }) as TaskEngine<never, never>,
}
