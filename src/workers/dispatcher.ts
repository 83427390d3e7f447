import type { Clock, Timer } from '../core/index.ts'
import type { Call } from './call.ts'
import { inputInvalid, moduleFailed } from './errors.ts'
import { Lane, type LaneEnd, type LaneOwner } from './lane.ts'
import type { Answer } from './protocol.ts'
import type { Threads } from './threads.ts'

/** What the dispatcher tells of the calls that it was given. */
export interface DispatcherOwner {
  answered(call: Call, answer: Answer): void
  progressed(call: Call, value: unknown): void
  /** It was not run, or was stopped. */
  failed(call: Call, error: unknown): void
  /** The thread that ran it came to an end of its own. */
  died(call: Call, cause: unknown): void
  /** A thread was stopped because of a call, or came to an end of its own. */
  threadLost(cause: unknown): void
  /** One thread more, or less, has work. */
  busy(by: 1 | -1): void
}

/** How a dispatcher works. */
export interface DispatcherSettings {
  readonly moduleUrl: string
  readonly minThreads: number
  readonly maxThreads: number
  readonly clock: Clock
}

/** A thread without calls keeps its lane for so long; the process stays open meanwhile. */
const idleLaneMs = 100
/** A call that has waited for so long behind another goes to a thread that has nothing to do. */
const patienceMs = 1

/** Decides which call goes to which thread, and when there are to be more threads. */
export class Dispatcher implements LaneOwner {
  readonly #threads: Threads
  readonly #settings: DispatcherSettings
  readonly #owner: DispatcherOwner
  readonly #lanes: Lane[] = []
  readonly #queue: Call[] = []
  #patience: Timer | undefined
  #idling: Timer | undefined
  #stopError: unknown

  constructor(threads: Threads, settings: DispatcherSettings, owner: DispatcherOwner) {
    this.#threads = threads
    this.#settings = settings
    this.#owner = owner
    for (let thread = 0; thread < settings.minThreads; thread++) this.#open()
  }

  add(call: Call): void {
    this.#queue.push(call)
    this.#place()
  }

  /** Ends a call before its time; the error may depend on whether it had begun. */
  giveUp(call: Call, errorOf: (hasBegun: boolean) => unknown): void {
    const { lane } = call
    if (lane === undefined) {
      this.#queue.splice(this.#queue.indexOf(call), 1)
      this.#owner.failed(call, errorOf(false))
    } else if (lane.withdraw(call)) {
      this.#owner.failed(call, errorOf(false))
      this.#place()
    } else {
      lane.receiveAll()
      // It was done before anybody gave it up, and is answered now.
      if (call.lane !== lane) return
      this.#owner.failed(call, errorOf(true))
      this.#owner.threadLost(undefined)
      lane.stop(call)
    }
  }

  /** Stops what is left, and fails it with the error. */
  stop(error: unknown): void {
    this.#stopError = error
    this.#patience?.cancel()
    this.#idling?.cancel()
    for (const call of this.#queue.splice(0)) this.#owner.failed(call, error)
    for (const lane of [...this.#lanes]) lane.stop()
  }

  ready(lane: Lane): void {
    this.#place()
    this.#rested(lane)
  }

  progressed(call: Call, value: unknown): void {
    this.#owner.progressed(call, value)
  }

  answered(lane: Lane, call: Call, answer: Answer): void {
    this.#owner.answered(call, answer)
    if (this.#queue.length > 0) this.#place()
    this.#rested(lane)
  }

  busy(by: 1 | -1): void {
    this.#owner.busy(by)
  }

  closed(lane: Lane, { error, begun, waiting }: LaneEnd): void {
    this.#lanes.splice(this.#lanes.indexOf(lane), 1)
    if (this.#stopError !== undefined) {
      for (const call of [...begun, ...waiting]) this.#owner.failed(call, this.#stopError)
      return
    }
    if (error !== undefined && !lane.isReady) return this.#loadFailed(error)
    if (error !== undefined) this.#owner.threadLost(error)
    for (const call of begun) this.#owner.died(call, error)
    this.#queue.unshift(...waiting)
    this.#place()
  }

  #open(): void {
    this.#lanes.push(new Lane(this.#threads, this.#settings.moduleUrl, this))
  }

  #place(): void {
    while (this.#queue.length > 0) {
      const call = this.#queue[0] as Call
      const lane = this.#freest()
      // What was moved to a thread cannot be had back from it, so it goes where it is begun at once.
      if (lane === undefined || (!call.canMove && lane.callCount > 0)) break
      this.#queue.shift()
      this.#send(lane, call)
    }
    this.#grow()
  }

  #freest(): Lane | undefined {
    let freest: Lane | undefined
    for (const lane of this.#lanes) {
      if (lane.hasRoom && (freest === undefined || lane.callCount < freest.callCount)) freest = lane
    }
    return freest
  }

  #send(lane: Lane, call: Call): void {
    const startMs = this.#settings.clock.monotonicMs()
    try {
      lane.send(call)
    } catch (cause) {
      return this.#owner.failed(call, inputInvalid(call.name, cause))
    }
    call.cloneMs = this.#settings.clock.monotonicMs() - startMs
  }

  #grow(): void {
    const { maxThreads } = this.#settings
    if (this.#lanes.length === maxThreads) return
    let calls = this.#queue.length
    for (const lane of this.#lanes) calls += lane.callCount
    while (this.#lanes.length < Math.min(calls, maxThreads)) this.#open()
  }

  /** A thread that has nothing to do takes over from one that does not get on, and then goes to rest. */
  #rested(lane: Lane): void {
    if (lane.callCount > 0) return
    this.#idling ??= this.#settings.clock.after(idleLaneMs, () => this.#endIdle())
    if (this.#patience === undefined && this.#lanes.some(hasWaiting)) this.#watchProgress()
  }

  #watchProgress(): void {
    const seen = new Map(this.#lanes.map((lane) => [lane, lane.answeredCount]))
    this.#patience = this.#settings.clock.after(patienceMs, () => {
      this.#patience = undefined
      for (const lane of this.#lanes) {
        if (hasWaiting(lane) && seen.get(lane) === lane.answeredCount) this.#relieve(lane)
      }
      if (this.#lanes.some(hasWaiting) && this.#lanes.some(isIdle)) this.#watchProgress()
    })
  }

  #relieve(stuck: Lane): void {
    for (const lane of this.#lanes) {
      if (!isIdle(lane)) continue
      const call = stuck.withdrawOldest()
      if (call === undefined) return
      this.#send(lane, call)
    }
  }

  #endIdle(): void {
    this.#idling = undefined
    for (const lane of this.#lanes) {
      if (!isIdle(lane)) continue
      if (lane.seenAnswers === lane.answeredCount) lane.end()
      else lane.seenAnswers = lane.answeredCount
    }
    if (this.#lanes.some(isIdle)) {
      this.#idling = this.#settings.clock.after(idleLaneMs, () => this.#endIdle())
    }
  }

  #loadFailed(cause: unknown): void {
    // Those that run have loaded it, and go on.
    if (this.#lanes.some(({ isReady }) => isReady)) return
    const error = moduleFailed(this.#settings.moduleUrl, cause)
    for (const call of this.#queue.splice(0)) this.#owner.failed(call, error)
  }
}

function isIdle(lane: Lane): boolean {
  return lane.hasRoom && lane.callCount === 0
}

function hasWaiting(lane: Lane): boolean {
  return lane.callCount > 1
}
