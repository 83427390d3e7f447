import type { MessagePort } from 'node:worker_threads'

// What the main thread and a worker thread say to each other.

/** Handed to a thread once; it serves calls from the port until it is told to end. */
export interface Session {
  readonly moduleUrl: string
  readonly port: MessagePort
  /** One entry for each call that is at the thread, in shared memory: see {@link slotWaiting}. */
  readonly slots: Int32Array
}

// Where a call stands. Either side leaves `waiting` by compare-and-exchange, so that a call is begun or
// withdrawn and never both: what a stopped thread had not begun is safe to run elsewhere.
export const slotWaiting = 0
export const slotBegun = 1
export const slotWithdrawn = 2

/** To the thread: one call, or that there will be no more. A check is answered, and nothing runs. */
export type ToThread = [slot: number, name: string, input: unknown, isCheck?: true] | 'end'

/** From the thread: that it has loaded its module, and what became of each call. */
export type FromThread = 'ready' | Answer

/** What became of a call. */
export type Answer = [slot: number, outcome: Outcome, value: unknown, runMs: number]

/**
 * - `progress`: the value is what the function reports; it goes on.
 * - `unknown`: no such function; the value is the list of those there are.
 * - `uncloneable`: it returned what cannot be sent; the value says why.
 */
export type Outcome = 'returned' | 'threw' | 'progress' | 'unknown' | 'uncloneable' | 'withdrawn'

/** A thrown error on its way: cloning keeps its message and stack, and loses its own properties. */
export interface ThrownError {
  readonly error: unknown
  readonly properties: object
}
