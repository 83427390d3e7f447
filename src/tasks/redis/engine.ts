import type * as BullMQ from 'bullmq'
import { HotpathError, loadPeer, systemClock } from '../../core/index.ts'
import type {
  DeadLetterQuery,
  EngineHost,
  Enqueued,
  Execute,
  NewTask,
  TaskEngine,
  TaskRecord,
  Work,
  WorkSettings,
} from '../engine.ts'
import { engineClosed, storeFailed } from '../engine-errors.ts'
import type { OpenQueue, TaskQueue } from './job.ts'
import { connectRedis, type RedisConnections } from './connections.ts'
import {
  resolveRedisEngineOptions,
  type RedisEngineOptions,
  type ResolvedRedisEngineOptions,
} from './options.ts'
import { RedisQueue } from './queue.ts'
import { namesScript, noteNameScript } from './scripts.ts'
import { addAtTick } from './tick.ts'
import { RedisWork } from './work.ts'
import { newTaskUuid, readTaskId } from '../task-id.ts'

/**
 * Tasks in Redis, by BullMQ 6: for more than one machine. Needs the packages `bullmq` and `ioredis`.
 *
 * A task is as durable as Redis' `appendonly` and `appendfsync` make it: see the guide. A task of a
 * worker that died or froze is taken over after `leaseMs`.
 *
 * @throws HotpathError HOTPATH_OPTION_INVALID
 *
 * @example
 * ```ts
 * import { createTasks, redisEngine } from 'hotpath/tasks'
 *
 * const tasks = createTasks({ engine: redisEngine({ url: 'redis://localhost:6379' }) })
 * ```
 */
export function redisEngine(options: RedisEngineOptions): TaskEngine<never, never> {
  return new RedisEngine(resolveRedisEngineOptions(options))
}

/** What there is once the engine is open. */
interface Opened {
  readonly bullmq: typeof BullMQ
  readonly connections: RedisConnections
  readonly host: EngineHost
}

class RedisEngine implements TaskEngine<never, never> {
  readonly kind = 'redis'
  readonly abilities = {
    transactionalEnqueue: false,
    transactionalHandler: false,
    rate: true,
    priority: true,
  } as const
  readonly #options: ResolvedRedisEngineOptions
  readonly #queues = new Map<string, Promise<OpenQueue>>()
  #opened: Opened | undefined

  constructor(options: ResolvedRedisEngineOptions) {
    this.#options = options
  }

  async open(host: EngineHost): Promise<void> {
    const bullmq = await loadBullMq()
    const connections = await connectRedis(this.#options, (error) => {
      host.onTrouble('reach Redis', error)
    })
    this.#opened = { bullmq, connections, host }
    try {
      await this.#ask('connect', () => this.#names(), 'Nothing was stored')
    } catch (error) {
      this.#opened = undefined
      connections.close()
      throw error
    }
  }

  async enqueue(task: NewTask): Promise<Enqueued> {
    const { name, tick } = task
    const uuid = newTaskUuid()
    return this.#ask(
      `store a task ${name}`,
      async () => {
        if (tick === undefined) return this.#tasksOf(name).add(task, uuid)
        const host = { open: await this.#openQueue(name), ticksKey: this.#ticksKey }
        return this.#inTime(addAtTick(host, task, tick, uuid))
      },
      'The task may be stored all the same; enqueue it again with a uniqueKey, lest there be two',
    )
  }

  async find(id: string): Promise<TaskRecord | undefined> {
    const key = readTaskId(id)
    if (key === undefined) return undefined
    const found = await this.#ask('find a task', () => this.#tasksOf(key.name).find(key.uuid))
    return found?.record
  }

  async cancel(id: string): Promise<string | undefined> {
    const key = readTaskId(id)
    if (key === undefined) return undefined
    const { name, uuid } = key
    const isCancelled = await this.#ask('cancel a task', () => this.#tasksOf(name).cancel(uuid))
    return isCancelled ? name : undefined
  }

  async work(settings: WorkSettings, execute: Execute<never>): Promise<Work> {
    const { bullmq, connections, host } = this.#open
    const { prefix, leaseMs } = this.#options
    await this.#ask(`create the queue of ${settings.name}`, () => this.#openQueue(settings.name))
    const queue = this.#tasksOf(settings.name)
    const connection = connections.workers as BullMQ.ConnectionOptions
    return new RedisWork({ bullmq, connection, queue, prefix, leaseMs, host }, settings, execute)
  }

  async deadLetters({ name, limit }: DeadLetterQuery): Promise<TaskRecord[]> {
    return this.#ask('list dead letters', async () => {
      const names = name === undefined ? await this.#names() : [name]
      const lists = await Promise.all(names.map((one) => this.#tasksOf(one).deadLetters(limit)))
      const latestFirst = lists.flat().sort((a, b) => (b.endedMs ?? 0) - (a.endedMs ?? 0))
      return latestFirst.slice(0, limit)
    })
  }

  async replay(id: string): Promise<boolean> {
    const key = readTaskId(id)
    if (key === undefined) return false
    return this.#ask('replay a task', () => this.#tasksOf(key.name).replay(key.uuid))
  }

  async close(): Promise<void> {
    this.#opened?.connections.close()
    this.#opened = undefined
    this.#queues.clear()
  }

  get #open(): Opened {
    if (this.#opened === undefined) throw engineClosed('Redis')
    return this.#opened
  }

  get #namesKey(): string {
    return `${this.#options.prefix}-names`
  }

  get #ticksKey(): string {
    return `${this.#options.prefix}-ticks`
  }

  #tasksOf(name: string): RedisQueue {
    const { redis } = this.#open.connections
    const { prefix } = this.#options
    return new RedisQueue({ redis, prefix, openQueue: (one) => this.#openQueue(one) }, name)
  }

  #openQueue(name: string): Promise<OpenQueue> {
    let queue = this.#queues.get(name)
    if (queue === undefined) {
      queue = this.#newQueue(name)
      queue.catch(() => this.#queues.delete(name))
      this.#queues.set(name, queue)
    }
    return queue
  }

  async #newQueue(name: string): Promise<OpenQueue> {
    const { bullmq, connections, host } = this.#open
    await connections.redis.runScript(noteNameScript, [this.#namesKey], [name])
    const queue: TaskQueue = new bullmq.Queue(name, {
      connection: connections.commands,
      prefix: this.#options.prefix,
      // BullMQ's stream of events has no reader here.
      streams: { events: { maxLen: 100 } },
    })
    queue.on('error', (error) => host.onTrouble(`reach the queue ${name}`, error))
    if (!(queue.backend instanceof bullmq.RedisQueueBackend))
      throw new TypeError('no queue in Redis')
    return { bullmq, queue, client: await this.#inTime(queue.backend.client) }
  }

  /**
   * A command has its own deadline, a transaction has none; and until a queue has a connection, BullMQ
   * waits without end.
   */
  async #inTime<T>(ready: Promise<T>): Promise<T> {
    const { commandTimeoutMs } = this.#options
    const late = Promise.withResolvers<never>()
    const deadline = systemClock.after(commandTimeoutMs, () => {
      late.reject(new Error(`Redis has not answered within ${commandTimeoutMs} ms`))
    })
    try {
      return await Promise.race([ready, late.promise])
    } finally {
      deadline.cancel()
    }
  }

  async #names(): Promise<string[]> {
    const { redis } = this.#open.connections
    const reply = await redis.runScript(namesScript, [this.#namesKey], [])
    return Array.isArray(reply) ? reply.map(String) : []
  }

  async #ask<T>(operation: string, run: () => Promise<T>, outcome = 'Try again'): Promise<T> {
    try {
      return await run()
    } catch (error) {
      if (error instanceof HotpathError) throw error
      throw storeFailed('Redis', operation, error, outcome)
    }
  }
}

function loadBullMq(): Promise<typeof BullMQ> {
  return loadPeer('redisEngine', 'bullmq ioredis', () => import('bullmq'))
}
