import { isReply, type Circuit, type RedisLike, type RedisScript } from '../core/index.ts'
import { takeArguments, takeReplies, type TakeReply, type TakeRequest } from './redis-take.ts'

/** So many are decided about in one step: Redis does nothing else meanwhile. */
const maxTogether = 16

interface Question {
  readonly key: string
  readonly request: TakeRequest
  readonly resolve: (reply: TakeReply | undefined) => void
}

/**
 * Asks Redis. Questions of the same turn of the event loop travel together, in one command; where
 * the keys may lie on different servers of a cluster, each travels alone.
 */
export class RedisQuestions {
  readonly #redis: RedisLike
  readonly #circuit: Circuit
  readonly #script: RedisScript
  readonly #node: string
  #collected: Question[] = []
  #mayTravelTogether = true

  constructor(redis: RedisLike, circuit: Circuit, script: RedisScript, node: string) {
    this.#redis = redis
    this.#circuit = circuit
    this.#script = script
    this.#node = node
  }

  /** Changes nothing. */
  async peek(key: string, request: TakeRequest): Promise<TakeReply | undefined> {
    const replies = await this.#circuit.run('peek', () =>
      this.#redis.runScript(this.#script, [key], takeArguments('', [request])),
    )
    return replies === undefined ? undefined : takeReplies(replies)[0]
  }

  /** @returns undefined where Redis does not answer */
  ask(key: string, request: TakeRequest): Promise<TakeReply | undefined> {
    return new Promise((resolve) => {
      this.#collected.push({ key, request, resolve })
      if (this.#collected.length === 1) process.nextTick(() => this.#sendCollected())
    })
  }

  #sendCollected(): void {
    const questions = this.#collected
    this.#collected = []
    const together = this.#mayTravelTogether ? maxTogether : 1
    for (let at = 0; at < questions.length; at += together) {
      void this.#send(questions.slice(at, at + together))
    }
  }

  async #send(questions: readonly Question[]): Promise<void> {
    let isForEachAlone = false
    const replies = await this.#circuit.run('take', async () => {
      try {
        const keys = questions.map(({ key }) => key)
        const requests = questions.map(({ request }) => request)
        const values = takeArguments(this.#node, requests)
        return takeReplies(await this.#redis.runScript(this.#script, keys, values))
      } catch (error) {
        if (refusesAllWrites(error)) {
          this.#circuit.trip()
        } else if (questions.length > 1 && isReply(error)) {
          // One of the keys is to blame, or all are in order, but not on the same server.
          if (isOfCluster(error)) this.#mayTravelTogether = false
          isForEachAlone = true
          return undefined
        }
        throw error
      }
    })
    if (isForEachAlone) await Promise.all(questions.map((question) => this.#send([question])))
    else for (const [at, { resolve }] of questions.entries()) resolve(replies?.[at])
  }
}

/**
 * Replies that would come for every key: after a fail-over the client may still be connected to what
 * is a replica now. Older servers put the code of what a script has called behind one of their own.
 */
function refusesAllWrites(error: unknown): boolean {
  return (
    error instanceof Error &&
    /\b(?:READONLY|OOM|MISCONF|LOADING|MASTERDOWN|CLUSTERDOWN|NOREPLICAS)\b/.test(error.message)
  )
}

function isOfCluster(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('CROSSSLOT')
}
