import { MessageChannel, receiveMessageOnPort, type MessagePort } from 'node:worker_threads'
import type { Call } from './call.ts'
import {
  slotBegun,
  slotWaiting,
  slotWithdrawn,
  type Answer,
  type FromThread,
  type Session,
  type ToThread,
} from './protocol.ts'
import type { Threads } from './threads.ts'

/** What a lane tells those who opened it. */
export interface LaneOwner {
  /** Its thread has loaded the module and takes calls. */
  ready(lane: Lane): void
  progressed(call: Call, value: unknown): void
  answered(lane: Lane, call: Call, answer: Answer): void
  /** It has calls now, or has none any more. */
  busy(by: 1 | -1): void
  /** There is no such lane any more. Calls that it had not begun are still to be run. */
  closed(lane: Lane, end: LaneEnd): void
}

/** How a lane came to its end. */
export interface LaneEnd {
  /** Why, where it was not asked to end or to stop. */
  readonly error: unknown
  readonly begun: readonly Call[]
  readonly waiting: readonly Call[]
}

/** One call runs, and so many wait at the thread, that it need not wait for the next. */
const callsAtThread = 8

/**
 * A thread's time, lent by piscina as one long task of it: calls go through a port of their own. That
 * takes a third of what a task for each call takes, and it leaves with us who waits behind whom.
 */
export class Lane {
  isReady = false
  /** How many calls it has answered; one who looks twice sees whether it gets on. */
  answeredCount = 0
  /** What `answeredCount` was when somebody last looked whether it is idle. */
  seenAnswers = -1
  readonly #owner: LaneOwner
  readonly #port: MessagePort
  readonly #slots: Int32Array
  readonly #calls: (Call | undefined)[] = []
  readonly #freeSlots: number[] = []
  readonly #stop = new AbortController()
  #callCount = 0
  #isEnding = false
  #isClosed = false

  constructor(threads: Threads, moduleUrl: string, owner: LaneOwner) {
    this.#owner = owner
    this.#slots = new Int32Array(new SharedArrayBuffer(4 * callsAtThread))
    for (let slot = callsAtThread - 1; slot >= 0; slot--) this.#freeSlots.push(slot)
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    port1.on('message', (message: FromThread) => this.#receive(message))
    const session: Session = { moduleUrl, port: port2, slots: this.#slots }
    threads.run(session, { transferList: [port2], signal: this.#stop.signal }).then(
      () => this.#close(undefined),
      (error: unknown) => this.#close(error),
    )
  }

  /** Calls that are at the thread and still wanted. */
  get callCount(): number {
    return this.#callCount
  }

  get hasRoom(): boolean {
    return this.isReady && !this.#isEnding && this.#freeSlots.length > 0
  }

  /** @throws what cloning the input throws */
  send(call: Call): void {
    const slot = this.#freeSlots.at(-1) as number
    Atomics.store(this.#slots, slot, slotWaiting)
    const message: ToThread = call.isCheck
      ? [slot, call.name, undefined, true]
      : [slot, call.name, call.input]
    if (call.transfer === undefined) this.#port.postMessage(message)
    else this.#port.postMessage(message, call.transfer)
    this.#freeSlots.pop()
    this.#calls[slot] = call
    if (++this.#callCount === 1) this.#owner.busy(1)
    call.lane = this
    call.slot = slot
  }

  /** Takes a call back, if the thread has not begun it. */
  withdraw(call: Call): boolean {
    const { slot } = call
    const before = Atomics.compareExchange(this.#slots, slot, slotWaiting, slotWithdrawn)
    if (before !== slotWaiting) return false
    this.#forget(call)
    return true
  }

  /** Takes back the call that has waited longest behind another, for a thread that has time. */
  withdrawOldest(): Call | undefined {
    return this.#calls
      .filter((call) => call !== undefined)
      .filter((call) => call.canMove)
      .sort(byAge)
      .find((call) => this.withdraw(call))
  }

  /** Answers that have come are taken in at once, instead of at the next turn of the event loop. */
  receiveAll(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#port)
      if (received === undefined) return
      this.#receive(received.message as FromThread)
    }
  }

  /** Lets the thread go, when it has no calls. */
  end(): void {
    this.#isEnding = true
    this.#port.postMessage('end' satisfies ToThread)
  }

  /** Stops the thread, whatever it is doing, because of a call that is given up. */
  stop(givenUp?: Call): void {
    if (givenUp !== undefined) this.#forget(givenUp)
    this.#stop.abort()
    this.#close(undefined)
  }

  #receive(message: FromThread): void {
    if (message === 'ready') {
      this.isReady = true
      this.#owner.ready(this)
      return
    }
    const [slot, outcome] = message
    const call = this.#calls[slot]
    if (outcome === 'progress') {
      if (call !== undefined) this.#owner.progressed(call, message[2])
      return
    }
    this.#freeSlots.push(slot)
    this.answeredCount++
    if (call === undefined || outcome === 'withdrawn') return
    this.#forget(call)
    this.#owner.answered(this, call, message)
  }

  #forget(call: Call): void {
    this.#calls[call.slot] = undefined
    if (--this.#callCount === 0) this.#owner.busy(-1)
    call.lane = undefined
  }

  #close(error: unknown): void {
    if (this.#isClosed) return
    this.#isClosed = true
    // A thread that is gone has sent its last answers before.
    this.receiveAll()
    this.#port.close()
    const left = this.#calls.filter((call) => call !== undefined).sort(byAge)
    const isBegun = ({ slot }: Call) => Atomics.load(this.#slots, slot) === slotBegun
    const begun = left.filter(isBegun)
    const waiting = left.filter((call) => !isBegun(call))
    for (const call of left) this.#forget(call)
    this.#owner.closed(this, { error, begun, waiting })
  }
}

function byAge(one: Call, other: Call): number {
  return one.submittedMs - other.submittedMs
}
