// The part that the benchmarks use of packages that bring no types.

declare module 'apicache' {
  import type { RequestHandler } from 'express'

  const apicache: { middleware(duration: string): RequestHandler }
  export default apicache
}

declare module '@fastify/rate-limit/store/LocalStore.js' {
  export default class LocalStore {
    constructor(continueExceeding: boolean, exponentialBackoff: boolean, cache: number)
    incr(
      key: string,
      callback: (error: unknown, found: { current: number; ttl: number }) => void,
      timeWindowMs: number,
      max: number,
    ): void
  }
}

declare module '@fastify/rate-limit/store/RedisStore.js' {
  import type { Redis } from 'ioredis'

  export default class RedisStore {
    constructor(
      continueExceeding: boolean,
      exponentialBackoff: boolean,
      redis: Redis,
      prefix?: string,
    )
    incr(
      key: string,
      done: (error: Error | null, found: { current: number; ttl: number } | null) => void,
      windowMs: number,
      most: number,
    ): void
  }
}

declare module 'split2' {
  import type { Transform } from 'node:stream'

  export default function split(): Transform
}
