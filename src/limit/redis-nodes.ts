import { redisScript, type Circuit, type Clock, type RedisLike, type Timer } from '../core/index.ts'

const script = redisScript(`
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])
`)
const everyMs = 2_000
const forgottenAfterMs = 3 * everyMs

/** What {@link RedisNodes} work with. */
interface RedisNodesParts {
  readonly redis: RedisLike
  readonly circuit: Circuit
  readonly clock: Clock
  /** Where Redis keeps the processes of this limit, and what this one is called there. */
  readonly key: string
  readonly node: string
  readonly onChange: (count: number) => void
}

/** How many processes keep a limit, as Redis has counted them when it was last heard. */
export class RedisNodes {
  readonly #parts: RedisNodesParts
  #count = 1
  #timer: Timer | undefined
  #isClosed = false

  constructor(parts: RedisNodesParts) {
    this.#parts = parts
    void this.#sign()
  }

  get count(): number {
    return this.#count
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  async #sign(): Promise<void> {
    const { redis, circuit, clock, key, node } = this.#parts
    const count = await circuit.run('nodes', () =>
      redis.runScript(script, [key], [node, forgottenAfterMs]),
    )
    if (typeof count === 'number') this.#learn(Math.max(1, count))
    if (!this.#isClosed) this.#timer = clock.after(everyMs, () => void this.#sign())
  }

  #learn(count: number): void {
    if (count === this.#count) return
    this.#count = count
    this.#parts.onChange(count)
  }
}
