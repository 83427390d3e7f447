import type { Transferable } from 'node:worker_threads'
import type { Lane } from './lane.ts'

/** How one call is made. */
export interface CallOptions {
  /**
   * Ends the call: one that runs has its thread stopped, whatever it is doing; one that waits is
   * taken out of the queue. The call then rejects with the reason of the signal.
   */
  signal?: AbortSignal | undefined
  /**
   * What is moved into the thread instead of copied: ArrayBuffers, MessagePorts and the like. The
   * caller no longer has them afterwards.
   */
  transfer?: readonly Transferable[] | undefined
  /**
   * The longest, in milliseconds, that this call may take, its wait for a thread included.
   *
   * @defaultValue `timeoutMs` of the workers
   */
  timeoutMs?: number | false | undefined
  /** Gets what the function gives to `reportProgress`. */
  onProgress?: ((value: unknown) => void) | undefined
}

/** One call, from its making until it is settled. */
export class Call {
  readonly name: string
  readonly input: unknown
  readonly transfer: readonly Transferable[] | undefined
  readonly onProgress: ((value: unknown) => void) | undefined
  readonly submittedMs: number
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  /** Takes back what would have ended the call: its timer, and its listener on the signal. */
  release: (() => void) | undefined
  /** Where it is; nowhere while it waits in the queue. */
  lane: Lane | undefined
  slot = -1
  /** It asks whether there is the function, and does not run it. */
  isCheck = false
  /** What it took to clone the input. */
  cloneMs = 0

  constructor(
    name: string,
    input: unknown,
    { transfer, onProgress }: CallOptions,
    submittedMs: number,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.name = name
    this.input = input
    this.transfer = transfer
    this.onProgress = onProgress
    this.submittedMs = submittedMs
    this.resolve = resolve
    this.reject = reject
  }

  /** What was moved into a thread is gone with it. */
  get canMove(): boolean {
    return this.transfer === undefined || this.transfer.length === 0
  }
}
