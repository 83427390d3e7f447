/** A body that was read: as a whole, or as far as it can be read without holding it back. */
export type ReadBody =
  | { readonly isWhole: true; readonly bytes: Buffer }
  | {
      readonly isWhole: false
      /** What was read so far; more than may be kept, or it is still being made. */
      readonly bytes: Buffer
      readonly isTooLarge: boolean
      /** All of the body, from its beginning. */
      readonly stream: ReadableStream<Uint8Array>
    }

const endOfTurn = Symbol('the end of the turn')

/**
 * Reads a body that is made within one turn of the event loop. What takes longer, or is larger than
 * may be kept, is a stream, and is handed on as one.
 */
export async function readBody(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<ReadBody> {
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  const turn = new Promise<typeof endOfTurn>((resolve) => setImmediate(resolve, endOfTurn))
  let byteLength = 0
  while (byteLength <= maxBytes) {
    const reading = reader.read()
    // A body that fails is a stream that fails: whoever reads it is told.
    const read = await Promise.race([reading.catch(() => endOfTurn), turn])
    if (typeof read === 'symbol') {
      const stream = streamOf(chunks, reader, reading)
      return { isWhole: false, bytes: Buffer.concat(chunks), isTooLarge: false, stream }
    }
    if (read.done) return { isWhole: true, bytes: Buffer.concat(chunks) }
    chunks.push(read.value)
    byteLength += read.value.byteLength
  }
  const stream = streamOf(chunks, reader, undefined)
  return { isWhole: false, bytes: Buffer.concat(chunks), isTooLarge: true, stream }
}

function streamOf(
  chunks: readonly Uint8Array[],
  reader: ReadableStreamDefaultReader<Uint8Array>,
  reading: ReturnType<typeof reader.read> | undefined,
): ReadableStream<Uint8Array> {
  let pending = reading
  return new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
    },
    async pull(controller) {
      const { done, value } = await (pending ?? reader.read())
      pending = undefined
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: (reason) => reader.cancel(reason),
  })
}
