/**
 * What hotpath's blocks ask of Redis. `fromNodeRedis` and `fromIoredis` make one of a client of
 * `redis` 6 or `ioredis` 6; anything else that keeps this contract (`test/conformance/redis.ts`)
 * will do.
 *
 * A call rejects with the client's own error. It waits as long as the client lets it wait: blocks
 * put their own deadline around every call and never trust a client's defaults.
 */
export interface RedisLike {
  /** The value's bytes, or `null` where there is none. */
  get(key: string): Promise<Buffer | null>
  /** The values in the order of the keys; one round trip. */
  getMany(keys: readonly string[]): Promise<(Buffer | null)[]>
  /** Stores a value. False when `ifAbsent` found one there already. */
  set(key: string, value: string | Buffer, options?: RedisSetOptions): Promise<boolean>
  /** Removes keys; resolves with how many there were. */
  delete(keys: readonly string[]): Promise<number>
  /**
   * Runs a Lua script in one atomic step, by its hash; where Redis does not know it yet (a restart,
   * a fail-over, `SCRIPT FLUSH`), with its text. Bulk strings come back as Buffers, integers as
   * numbers.
   */
  runScript(
    script: RedisScript,
    keys: readonly string[],
    values: readonly RedisArgument[],
  ): Promise<RedisReply>
  /** Sends a message to a channel; resolves with the number of subscribers that it reached. */
  publish(channel: string, message: string | Buffer): Promise<number>
  /**
   * Listens to a channel on a connection of its own. The connection comes back by itself after a
   * failure; between `lost` and `restored` messages may have been missed. The signal ends it, even
   * while it is still being made: a client may go on trying for ever.
   */
  subscribe(
    channel: string,
    listener: RedisListener,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<RedisSubscription>
}

/** How {@link RedisLike.set} stores. */
export interface RedisSetOptions {
  /** Whole milliseconds until Redis forgets the value; without it, never. */
  ttlMs?: number | undefined
  /** Store only where there is no value yet (`NX`). */
  ifAbsent?: boolean | undefined
}

/** A Lua script and its SHA-1, computed once: made by `redisScript`. */
export interface RedisScript {
  readonly text: string
  readonly sha1: string
}

/** An argument of a script; numbers travel as their decimal text. */
export type RedisArgument = string | Buffer | number

/** What a script may answer. */
export type RedisReply = number | Buffer | null | RedisReply[]

/** Who hears the messages of a channel. */
export interface RedisListener {
  message(payload: Buffer): void
  /** The connection broke: from now on messages may be missed. */
  lost?(): void
  /** The subscription stands again. */
  restored?(): void
}

/** A subscription that is under way. */
export interface RedisSubscription {
  close(): Promise<void>
}
