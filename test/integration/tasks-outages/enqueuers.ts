/** What became of the tasks that were enqueued while a store came and went. */
export interface Enqueuers {
  /** The id of each task that was acknowledged, by its number. */
  readonly acknowledged: ReadonlyMap<number, string>
  readonly refusals: readonly unknown[]
  end(): Promise<void>
}

/** So many callers, each of whom enqueues the next number as soon as he has heard of the last one. */
export function startEnqueuers(
  callers: number,
  enqueue: (n: number) => Promise<{ readonly id: string }>,
): Enqueuers {
  const acknowledged = new Map<number, string>()
  const refusals: unknown[] = []
  let isEnding = false
  let count = 0
  const running = Array.from({ length: callers }, async () => {
    while (!isEnding) {
      const n = count++
      await enqueue(n).then(
        ({ id }) => acknowledged.set(n, id),
        (error: unknown) => refusals.push(error),
      )
    }
  })
  return {
    acknowledged,
    refusals,
    async end() {
      isEnding = true
      await Promise.all(running)
    },
  }
}
