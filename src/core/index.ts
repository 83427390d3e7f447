export { Circuit, isReply, type Attempt } from './circuit.ts'
export {
  createManualClock,
  systemClock,
  type Clock,
  type ManualClock,
  type Timer,
} from './clock.ts'
export {
  activeTrace,
  needsRequestContext,
  noteDatabaseUse,
  requestContext,
  RequestScope,
  runInRequest,
  wantRequestContext,
  type RequestContext,
  type RequestContextOptions,
  type ResultSample,
  type Trace,
  type TraceEntry,
  type TraceRecorder,
} from './context.ts'
export { DurationCounts, type DurationBuckets } from './duration-counts.ts'
export { errorCodes, HotpathError, type HotpathErrorCode } from './errors.ts'
export {
  eventChannel,
  listen,
  type EventChannel,
  type HotpathEvent,
  type HotpathEvents,
} from './events.ts'
export { drain, type DrainOptions, type Sink, type Source } from './flow.ts'
export {
  invalid,
  knownOptions,
  maxTimerMs,
  nonEmptyString,
  nonNegativeInteger,
  positiveInteger,
  positiveMs,
  timerMs,
  timerMsOrOff,
} from './options.ts'
export type {
  RedisArgument,
  RedisLike,
  RedisListener,
  RedisReply,
  RedisScript,
  RedisSetOptions,
  RedisSubscription,
} from './redis.ts'
export { loadPeer } from './peer.ts'
export { fromIoredis, type IoredisClient, type IoredisSubscriber } from './redis-ioredis.ts'
export { fromNodeRedis, type NodeRedisClient, type NodeRedisSubscriber } from './redis-node.ts'
export { redisScript } from './redis-script.ts'
export { components, register, type ComponentKind, type RegisteredComponent } from './registry.ts'
export { zstdFrameKind, zstdFrameParts, zstdMagicBytes, type ZstdPart } from './zstd-frame.ts'
