import type { RedisLike } from '../../core/index.ts'
import type { Enqueued, NewTask, TaskRecord } from '../engine.ts'
import { addJob, readJob, type OpenQueue, type RedisJobData } from './job.ts'
import {
  beginReplayScript,
  cancelledReason,
  cancelScript,
  endReplayScript,
  failedScript,
  fencedSetScript,
  findScript,
  progressField,
} from './scripts.ts'
import { writeTaskId } from '../task-id.ts'

const pageSize = 100
const replayMs = 10_000

export interface RedisQueueHost {
  readonly redis: RedisLike
  readonly prefix: string
  /** Opens BullMQ's queue of a name, which makes it one that there is. */
  openQueue(name: string): Promise<OpenQueue>
}

/** The tasks of one name: a queue of BullMQ, and scripts for what it has no call for. */
export class RedisQueue {
  readonly name: string
  readonly #host: RedisQueueHost

  constructor(host: RedisQueueHost, name: string) {
    this.#host = host
    this.name = name
  }

  async add(task: NewTask, uuid: string): Promise<Enqueued> {
    const { name } = task
    const stored = await addJob(await this.#host.openQueue(name), task, uuid)
    return { id: writeTaskId({ name, uuid: stored }), isNew: stored === uuid }
  }

  async find(uuid: string): Promise<{ record: TaskRecord; data: RedisJobData } | undefined> {
    const keys = [...this.#jobKeys(uuid), this.#key('active')]
    const reply = await this.#host.redis.runScript(findScript, keys, [uuid])
    return readJob({ name: this.name, uuid }, reply, Date.now())
  }

  async cancel(uuid: string): Promise<boolean> {
    const sets = ['wait', 'paused', 'active', 'prioritized', 'delayed', 'stalled']
    const keys = [...this.#jobKeys(uuid), ...sets.map((type) => this.#key(type))]
    const values = [uuid, Date.now(), cancelledReason, this.#key('de:')]
    return (await this.#host.redis.runScript(cancelScript, keys, values)) === 1
  }

  /** The latest first. */
  async deadLetters(limit: number): Promise<TaskRecord[]> {
    const records: TaskRecord[] = []
    for (let from = 0; records.length < limit; from += pageSize) {
      const range = [from, from + pageSize - 1]
      const reply = await this.#host.redis.runScript(failedScript, [this.#key('failed')], range)
      const uuids = Array.isArray(reply) ? reply.map(String) : []
      const found = await Promise.all(uuids.map((uuid) => this.find(uuid)))
      for (const one of found) if (one?.record.state === 'failed') records.push(one.record)
      if (uuids.length < pageSize) break
    }
    return records.slice(0, limit)
  }

  async replay(uuid: string): Promise<boolean> {
    const found = await this.find(uuid)
    if (found?.record.state !== 'failed') return false
    const { queue } = await this.#host.openQueue(this.name)
    const job = await queue.getJob(uuid)
    if (job === undefined) return false
    const data = JSON.stringify(found.data.with(4, 0))
    const [jobKey] = this.#jobKeys(uuid)
    const prefix = this.#key('de:')
    // Should this process die before the end, the key frees itself.
    const values = [uuid, data, prefix, replayMs]
    if ((await this.#host.redis.runScript(beginReplayScript, [jobKey], values)) !== 1) return false
    try {
      await job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true })
    } finally {
      await this.#host.redis.runScript(endReplayScript, [jobKey], [uuid, prefix])
    }
    return true
  }

  async setProgress(uuid: string, token: string, value: string): Promise<void> {
    await this.setFenced(uuid, token, progressField, value)
  }

  /** Sets a field of the job, if this token holds its lock. */
  async setFenced(uuid: string, token: string, field: string, value: string): Promise<boolean> {
    const values = [token, field, value]
    return (await this.#host.redis.runScript(fencedSetScript, this.#jobKeys(uuid), values)) === 1
  }

  #jobKeys(uuid: string): [string, string] {
    return [this.#key(uuid), this.#key(`${uuid}:lock`)]
  }

  /** As BullMQ names its keys. */
  #key(type: string): string {
    return `${this.#host.prefix}:${this.name}:${type}`
  }
}
