import { type Clock, isReply, type RedisLike, type Timer } from '../core/index.ts'
import {
  flushMessage,
  isFrom,
  newSender,
  noticeMessages,
  parseMessage,
  pingMessage,
  type Notice,
} from './bus-message.ts'

/** What other processes did, as the bus tells it. */
export interface ForeignListener {
  written(keys: readonly string[]): void
  invalidated(tags: readonly string[]): void
  /** Made stale, not missing: {@link Cache.expireTags}. */
  expired(tags: readonly string[]): void
  /** Something may have been missed: nothing in memory is to be believed. */
  flush(): void
}

/** How a {@link Bus} tells and hears. */
export interface BusOptions {
  redis: RedisLike
  channel: string
  /** How long what was heard last stands for what may have been said since. */
  lostMs: number
  clock: Clock
  /** Without it nobody listens, and other processes are only told. */
  foreign: ForeignListener | undefined
  onTrouble: (operation: string, error: unknown) => void
}

/** A subscription that could not be had is asked for again after this. */
const reopenMs = 1_000
const pingsPerLost = 3
/** Messages that arrive at Redis but not here for so many times `lostMs` tell of a dead connection. */
const silentLosts = 3

/**
 * How the processes that share a namespace tell each other what they write and invalidate.
 *
 * A connection can die without a word, so nobody believes to hear: each process sends itself a
 * message, several times in `lostMs`. Redis hands messages on in the order in which they came, so
 * with its own comes the proof that everything was heard which others had said before that was sent.
 */
export class Bus {
  readonly #options: BusOptions
  readonly #sender = newSender()
  #isHeard = false
  #isClosed = false
  #isStanding = false
  #isPinging = false
  /** When Redis first took a message that has not come back since. */
  #silentSinceMs: number | undefined = undefined
  #connection = new AbortController()
  #beatTimer: Timer | undefined = undefined
  #doubtTimer: Timer | undefined = undefined

  constructor(options: BusOptions) {
    this.#options = options
    if (options.foreign === undefined) return
    this.#open(options.foreign)
    this.#beatLater()
  }

  /** Memory may be believed: there is such a proof, and it is not older than `lostMs`. */
  get isHeard(): boolean {
    return this.#isHeard
  }

  get channel(): string {
    return this.#options.channel
  }

  /** Call it in the tick in which the write is sent, after it: then nobody hears of it too early. */
  async announce(notices: readonly Notice[]): Promise<void> {
    await Promise.all(noticeMessages(this.#sender, notices).map((text) => this.#publish(text)))
  }

  /** A message of {@link announce}, for a script to publish. */
  messageOf(notice: Notice): string {
    return noticeMessages(this.#sender, [notice])[0] ?? ''
  }

  /** More happened than can be told. */
  async announceFlush(): Promise<void> {
    await this.#publish(flushMessage(this.#sender))
  }

  close(): void {
    this.#isClosed = true
    this.#isHeard = false
    this.#beatTimer?.cancel()
    this.#doubtTimer?.cancel()
    this.#connection.abort()
  }

  // Where Redis forbids to publish, nobody hears himself either: all go by Redis alone, and the
  // write counts. A connection that fails is the write's failure.
  async #publish(text: string): Promise<void> {
    try {
      await this.#options.redis.publish(this.#options.channel, text)
    } catch (error) {
      if (!isReply(error)) throw error
      this.#options.onTrouble('publish', error)
    }
  }

  #open(foreign: ForeignListener): void {
    const connection = new AbortController()
    this.#connection = connection
    const stand = () => {
      if (connection.signal.aborted) return
      foreign.flush()
      this.#isStanding = true
      this.#silentSinceMs = undefined
      void this.#ping()
    }
    const listener = {
      message: (payload: Buffer) => {
        if (!connection.signal.aborted) this.#hear(payload, foreign)
      },
      // What was heard until now stays true for `lostMs`.
      lost: () => {
        if (!connection.signal.aborted) this.#isStanding = false
      },
      restored: stand,
    }
    const { redis, channel, clock, onTrouble } = this.#options
    const { signal } = connection
    redis.subscribe(channel, listener, { signal }).then(stand, (error: unknown) => {
      if (signal.aborted) return
      onTrouble('subscribe', error)
      clock.after(reopenMs, () => {
        if (!signal.aborted) this.#open(foreign)
      })
    })
  }

  #hear(payload: Buffer, foreign: ForeignListener): void {
    const message = parseMessage(payload)
    if (isFrom(this.#sender, payload)) {
      if (message?.kind === 'ping') this.#prove(message.sentMs)
    } else if (message === undefined || message.kind === 'flush') {
      // Nobody here wrote the one: whoever did may have meant anything.
      foreign.flush()
    } else if (message.kind !== 'ping') {
      foreign[message.kind](message.names)
    }
  }

  #prove(sentMs: number): void {
    // A ping of before may come back over a connection that is not yet known to stand.
    if (!this.#isStanding) return
    this.#silentSinceMs = undefined
    const { clock, lostMs } = this.#options
    const leftMs = sentMs + lostMs - clock.monotonicMs()
    if (leftMs <= 0) return
    this.#isHeard = true
    this.#doubtTimer?.cancel()
    this.#doubtTimer = clock.after(leftMs, () => {
      this.#isHeard = false
    })
  }

  #beatLater(): void {
    const { clock, lostMs } = this.#options
    this.#beatTimer = clock.after(lostMs / pingsPerLost, () => {
      if (this.#isClosed) return
      this.#beatLater()
      this.#reopenIfSilent()
      void this.#ping()
    })
  }

  // Never a second one beside the first: a frozen Redis would otherwise collect them.
  async #ping(): Promise<void> {
    if (!this.#isStanding || this.#isPinging) return
    this.#isPinging = true
    const { redis, channel, clock, onTrouble } = this.#options
    const sentMs = clock.monotonicMs()
    try {
      await redis.publish(channel, pingMessage(this.#sender, sentMs))
      this.#silentSinceMs ??= sentMs
    } catch (error) {
      onTrouble('ping', error)
    } finally {
      this.#isPinging = false
    }
  }

  /** Redis takes our messages and none comes back: the connection that should bring them is dead. */
  #reopenIfSilent(): void {
    const { clock, lostMs, foreign } = this.#options
    if (!this.#isStanding || this.#silentSinceMs === undefined || foreign === undefined) return
    if (clock.monotonicMs() - this.#silentSinceMs < silentLosts * lostMs) return
    this.#isStanding = false
    this.#connection.abort()
    this.#open(foreign)
  }
}
