// Real servers that a test, a benchmark or the example can start, kill, freeze, fill and restart.
export { freePort } from './free-port.ts'
export { startPostgres, type PostgresOptions, type PostgresServer } from './postgres.ts'
export { makePrivateFolder, type PrivateFolder } from './private-folder.ts'
export { findRedis } from './find-redis.ts'
export { startRedis, type RedisOptions, type RedisServer } from './redis.ts'
export type { Server } from './server.ts'
