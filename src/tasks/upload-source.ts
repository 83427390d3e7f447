import { Readable } from 'node:stream'

/**
 * The chunks of a source, until the signal aborts: also while the source does not give any. A stream is
 * not destroyed when it is left in the middle, because a request that is destroyed cannot be answered.
 */
export async function* untilAborted(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const chunks =
    source instanceof Readable
      ? (source.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>)
      : source[Symbol.asyncIterator]()
  let reject: (reason: unknown) => void = () => {}
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  let isOver = false
  try {
    for (;;) {
      signal.throwIfAborted()
      // A promise for each chunk: one that all of them wait for would hold on to all of them.
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, rejectChunk) => {
        reject = rejectChunk
        chunks.next().then(resolve, rejectChunk)
      })
      if (next.done === true) {
        isOver = true
        return
      }
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', abort)
    // Not awaited: a source that hangs would hang here, too.
    if (!isOver) void Promise.resolve(chunks.return?.()).catch(() => {})
  }
}
