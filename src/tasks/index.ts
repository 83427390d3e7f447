export type {
  Backoff,
  TaskContext,
  TaskDefinition,
  TaskSettings,
  ThreadTaskDefinition,
} from './definition.ts'
export {
  workerLost,
  type Claim,
  type DeadLetterQuery,
  type Enqueued,
  type EngineHost,
  type Execute,
  type Execution,
  type NewTask,
  type Outcome,
  type ScheduleTick,
  type StopReason,
  type TaskAbilities,
  type TaskEngine,
  type TaskFailure,
  type TaskRate,
  type TaskRecord,
  type TaskState,
  type Work,
  type WorkSettings,
} from './engine.ts'
export type { TasksOptions } from './options.ts'
export { postgresEngine } from './postgres/engine.ts'
export type {
  PostgresEngineOptions,
  PostgresRows,
  PostgresTaskPool,
  PostgresTransaction,
} from './postgres/options.ts'
export { redisEngine } from './redis/engine.ts'
export type { RedisEngineOptions, RedisTaskClient } from './redis/options.ts'
export type { StandardIssue, StandardResult, StandardSchema } from './schema.ts'
export type { StatusBase, TaskStatus } from './status.ts'
export type {
  DeadLetter,
  EnqueuedTask,
  EnqueueOptions,
  ScheduleOptions,
  Task,
  Tasks,
  TasksStats,
  WaitOptions,
} from './task.ts'
export { createTasks } from './tasks.ts'
export { sqliteEngine, type SqliteEffects, type SqliteEngine } from './sqlite/engine.ts'
export type { SqliteEngineOptions } from './sqlite/options.ts'
export type {
  UploadFolderOptions,
  UploadLimits,
  UploadStorageOptions,
  UploadStoreOptions,
} from './upload-options.ts'
export type { UploadStorage, UploadWrite } from './upload-storage.ts'
export { createUploadStore } from './upload-store.ts'
export type {
  FolderUploadStore,
  ReceiveOptions,
  UploadReference,
  UploadStore,
  UploadStoreStats,
} from './upload.ts'
