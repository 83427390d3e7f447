import type { Clock } from '../core/index.ts'
import { AdaptiveLimit } from './adaptive-limit.ts'
import type { Aborts, Stoppable } from './aborts.ts'

/** How a {@link HostGate} limits. */
export interface HostGateOptions {
  readonly concurrency: number
  readonly perHost: number
  readonly adaptive: boolean
  readonly clock: Clock
  readonly aborts: Aborts
}

/** One request's place at its host. */
export interface Pass {
  /** @param isOverloaded the host said, or showed, that it has too much to do */
  leave(isOverloaded: boolean): void
}

/**
 * Lets at most so many requests through at a time, in all and to each host. Those who wait for a busy
 * host do not hold up the others; hosts that are waited for take turns.
 */
export class HostGate implements Stoppable {
  abortPlace = -1
  readonly #options: HostGateOptions
  // A host is forgotten when nobody is there: there may be a million of them.
  readonly #hosts = new Map<string, Host>()
  readonly #waitedFor = new Set<Host>()
  #runningCount = 0

  constructor(options: HostGateOptions) {
    this.#options = options
    options.aborts.add(this)
  }

  /** Sends away those who wait. */
  abort(reason: Error): void {
    for (const { waiting } of this.#waitedFor) {
      for (const { reject } of waiting.splice(0)) reject(reason)
    }
    this.#waitedFor.clear()
  }

  enter(name: string): Promise<Pass> {
    this.#options.aborts.throwIfAborted()
    const host = this.#host(name)
    const entry = Promise.withResolvers<Pass>()
    host.waiting.push(entry)
    this.#waitedFor.add(host)
    this.#admit()
    return entry.promise
  }

  #host(name: string): Host {
    const known = this.#hosts.get(name)
    if (known !== undefined) return known
    const { adaptive, perHost } = this.#options
    const limit = adaptive ? new AdaptiveLimit(perHost) : undefined
    const host = { name, limit, runningCount: 0, waiting: [] }
    this.#hosts.set(name, host)
    return host
  }

  #admit(): void {
    for (const host of this.#waitedFor) {
      if (this.#runningCount >= this.#options.concurrency) return
      if (host.runningCount >= (host.limit?.current ?? this.#options.perHost)) continue
      // To the end of the line of hosts, if more wait for it.
      this.#waitedFor.delete(host)
      const entry = host.waiting.shift()
      if (host.waiting.length > 0) this.#waitedFor.add(host)
      entry?.resolve(this.#pass(host))
    }
  }

  #pass(host: Host): Pass {
    host.runningCount++
    this.#runningCount++
    const { clock } = this.#options
    const startedMs = clock.monotonicMs()
    return {
      leave: (isOverloaded) => {
        if (isOverloaded) host.limit?.overloaded(startedMs, clock.monotonicMs())
        else host.limit?.succeeded(host.runningCount)
        host.runningCount--
        this.#runningCount--
        const isIdle = host.runningCount === 0 && host.waiting.length === 0
        // What was learned about a host is kept while the run lasts, for as many as stay small.
        if (isIdle && (host.limit === undefined || this.#hosts.size > maxIdleHosts)) {
          this.#hosts.delete(host.name)
        }
        this.#admit()
      },
    }
  }
}

interface Host {
  readonly name: string
  readonly limit: AdaptiveLimit | undefined
  runningCount: number
  readonly waiting: PromiseWithResolvers<Pass>[]
}

const maxIdleHosts = 1_000
