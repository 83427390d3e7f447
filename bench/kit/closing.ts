/** What a run has started and must end again, whatever becomes of it. */
export class Closing {
  readonly #closers: (() => Promise<unknown>)[] = []
  #closed = false

  get isClosed(): boolean {
    return this.#closed
  }

  /** Keeps in mind how to end what was started; too late for {@link close}, it is ended at once. */
  defer(closer: () => Promise<unknown>): void {
    if (this.#closed) void end(closer)
    else this.#closers.push(closer)
  }

  /** Ends the last started first. One that cannot be ended does not keep the others alive. */
  async close(): Promise<void> {
    this.#closed = true
    for (let closer = this.#closers.pop(); closer !== undefined; closer = this.#closers.pop()) {
      await end(closer)
    }
  }
}

function end(closer: () => Promise<unknown>): Promise<unknown> {
  return closer().catch((error: unknown) => console.error(error))
}
