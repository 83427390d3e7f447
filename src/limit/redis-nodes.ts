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

/** How many processes keep a limit, as Redis has counted them when it was last heard. */
export class RedisNodes {
  readonly #redis: RedisLike
  readonly #circuit: Circuit
  readonly #clock: Clock
  readonly #key: string
  readonly #node: string
  #count = 1
  #timer: Timer | undefined
  #isClosed = false

  constructor(redis: RedisLike, circuit: Circuit, clock: Clock, key: string, node: string) {
    this.#redis = redis
    this.#circuit = circuit
    this.#clock = clock
    this.#key = key
    this.#node = node
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
    const count = await this.#circuit.run('nodes', () =>
      this.#redis.runScript(script, [this.#key], [this.#node, forgottenAfterMs]),
    )
    if (typeof count === 'number') this.#count = Math.max(1, count)
    if (!this.#isClosed) this.#timer = this.#clock.after(everyMs, () => void this.#sign())
  }
}
