import { randomBytes } from 'node:crypto'
import {
  type Attempt,
  type Clock,
  type RedisLike,
  type RedisScript,
  redisScript,
  type Timer,
} from '../core/index.ts'

/** The right to load a key while other processes wait. It is kept up until it ends. */
export interface Lease {
  /** Nothing was stored: who waits need not go on waiting. Does nothing after `handOver`. */
  end(): void
  /** The load is over and its value on the way: only what is returned ends the lease now. */
  handOver(): (wasStored: boolean) => void
}

/** How {@link Leases} are given. */
export interface LeasesOptions {
  redis: RedisLike
  namespace: string
  /** How long others wait for a holder of whom they hear nothing. */
  leaseMs: number
  /** A lease is not extended beyond this. */
  maxMs: number
  clock: Clock
  onTrouble: (operation: string, error: unknown) => void
}

const extensionsPerLease = 3
/** For so long, who asks for a key whose holder had nothing to store loads it at once. */
const markMs = 1_000

// The key of a lease holds its token, or nothing: the mark of a holder who had nothing to store.

const takeScript = redisScript(`
local holder = redis.call('GET', KEYS[1])
if holder == '' then return 2 end
if holder then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`)

// Where there is none, Redis was flushed or has failed over.
const extendScript = redisScript(`
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`)

const endScript = redisScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
`)

// A full Redis takes no mark, but it deletes.
const markScript = redisScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return end
redis.call('DEL', KEYS[1])
redis.pcall('SET', KEYS[1], '', 'PX', ${markMs})
`)

/** The keys that are being loaded, each by one process on behalf of all. */
export class Leases {
  readonly #options: LeasesOptions
  readonly #held = new Set<HeldLease>()

  constructor(options: LeasesOptions) {
    this.#options = options
  }

  /** The lease; or why there is none: another process has it, or has just had nothing to store. */
  async take(
    key: string,
    tags: readonly string[],
    attempt: Attempt,
  ): Promise<HeldLease | 'taken' | 'marked'> {
    const { redis, namespace, leaseMs } = this.#options
    const leaseKey = `${namespace}:l:${key}`
    const token = randomBytes(12).toString('base64url')
    const verdict = await redis.runScript(takeScript, [leaseKey], [token, leaseMs])
    if (verdict !== 1) return verdict === 2 ? 'marked' : 'taken'
    const subject = { key, tags, leaseKey, token }
    const lease = new HeldLease(subject, this.#options, this.#held)
    // It comes after the deadline, and nobody waits for it any more.
    if (attempt.isOver) lease.giveBack()
    return lease
  }

  /** These were written: who asks for them now need not wait for what was begun before. */
  outdateKeys(keys: readonly string[]): void {
    if (this.#held.size === 0) return
    const written = new Set(keys)
    for (const lease of this.#held) if (written.has(lease.subject.key)) lease.giveBack()
  }

  /** As {@link Leases.outdateKeys}, for keys that are being loaded with one of the tags. */
  outdateTags(tags: readonly string[]): void {
    if (this.#held.size === 0) return
    const changed = new Set(tags)
    for (const lease of this.#held) {
      if (lease.subject.tags.some((tag) => changed.has(tag))) lease.giveBack()
    }
  }

  close(): void {
    for (const lease of this.#held) lease.end()
  }
}

/** What a lease is for, and where it stands in Redis. */
interface Subject {
  readonly key: string
  readonly tags: readonly string[]
  readonly leaseKey: string
  readonly token: string
}

/** A lease that this process has, or had until it ran out. */
export class HeldLease implements Lease {
  #isOver = false
  #isHandedOver = false
  #isExtending = false
  #timer: Timer | undefined = undefined
  readonly subject: Subject
  readonly #options: LeasesOptions
  readonly #held: Set<HeldLease>
  readonly #sinceMs: number

  constructor(subject: Subject, options: LeasesOptions, held: Set<HeldLease>) {
    this.subject = subject
    this.#options = options
    this.#held = held
    this.#sinceMs = options.clock.monotonicMs()
    held.add(this)
    this.#extendLater()
  }

  end(): void {
    if (!this.#isHandedOver) this.#release(markScript)
  }

  /** The next one who asks gets it. */
  giveBack(): void {
    this.#release(endScript)
  }

  handOver(): (wasStored: boolean) => void {
    this.#isHandedOver = true
    return (wasStored) => this.#release(wasStored ? endScript : markScript)
  }

  // Not through the circuit: others wait for this, and no more is sent than there are leases.
  #release(script: RedisScript): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#held.delete(this)
    this.#timer?.cancel()
    void this.#send(script, [])
  }

  #extendLater(): void {
    const { clock, leaseMs, maxMs } = this.#options
    this.#timer = clock.after(leaseMs / extensionsPerLease, () => {
      if (clock.monotonicMs() - this.#sinceMs > maxMs) return
      this.#extendLater()
      if (!this.#isExtending) void this.#extend()
    })
  }

  async #extend(): Promise<void> {
    this.#isExtending = true
    const isHeld = await this.#send(extendScript, [this.#options.leaseMs])
    this.#isExtending = false
    if (isHeld === 0) this.#timer?.cancel()
  }

  async #send(script: RedisScript, values: readonly number[]): Promise<unknown> {
    const { redis, onTrouble } = this.#options
    const { leaseKey, token } = this.subject
    try {
      return await redis.runScript(script, [leaseKey], [token, ...values])
    } catch (error) {
      onTrouble('lease', error)
      return undefined
    }
  }
}
