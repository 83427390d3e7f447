import { openBytes, type ByteSource, type LineSource } from './byte-source.ts'
import { decompress, magicBytes, recogniseCompression } from './compression.ts'
import { LineCutter } from './line-cutter.ts'
import type { ResolvedLinesOptions } from './lines-options.ts'
import { Peeked } from './peeked.ts'
import { ListedBatch, type RowBatch } from './row-batch.ts'
import type { Run } from './run.ts'
import { markBytes, readMark, textCodecs } from './text-codec.ts'

// V8 makes texts of this size without leaving its cache, and lines hold on to no more than this.
const pieceBytes = 64 * 1_024

/** Reads a source line by line, in batches, and closes it at the end, whichever end that is. */
export async function* readLines(
  source: LineSource,
  options: ResolvedLinesOptions,
  run: Run,
): AsyncGenerator<RowBatch<string>, void, undefined> {
  const signal = anyOf(options.signal, run.signal)
  signal?.throwIfAborted()
  const bytes = openBytes(source, signal)
  try {
    const { chunks, codec, start } = await openText(bytes, options, run, signal)
    const cutter = new LineCutter(codec, start, {
      ...options,
      onBadLine: (place, reason) => run.reject(place, reason, undefined),
    })
    // Without rows: so that it is known where this began, also where nothing follows.
    yield new ListedBatch([], [], start)
    for await (const chunk of chunks) {
      for (let from = 0; from < chunk.length; from += pieceBytes) {
        yield* cutter.push(chunk.subarray(from, from + pieceBytes))
      }
      if (run.hasRejects) await run.flushRejects()
    }
    yield* cutter.end()
    if (run.hasRejects) await run.flushRejects()
  } finally {
    await bytes.close()
  }
}

async function openText(
  bytes: ByteSource,
  options: ResolvedLinesOptions,
  run: Run,
  signal: AbortSignal | undefined,
) {
  const raw = read(bytes, run, signal)
  const packed = await Peeked.of(raw, magicBytes)
  const compression = options.compression ?? recogniseCompression(packed.head, bytes.name)
  const text = compression
    ? await Peeked.of(decompress(packed, compression, bytes.name), markBytes)
    : packed
  const { encoding, markLength } = readMark(text.head, options.encoding)
  const { line } = options.from
  const byteOffset = Math.max(options.from.byteOffset, markLength)
  const isFar = !compression && byteOffset > text.head.length
  const chunks = isFar && (await bytes.seek(byteOffset)) ? raw : skip(text, byteOffset)
  return { chunks, codec: textCodecs[encoding], start: { line, byteOffset } }
}

async function* read(
  bytes: ByteSource,
  run: Run,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, void, undefined> {
  for (;;) {
    const chunk = await bytes.next()
    signal?.throwIfAborted()
    if (chunk === undefined) return
    run.readBytes(chunk.length, bytes.totalBytes)
    yield chunk
  }
}

async function* skip(
  chunks: AsyncIterable<Buffer>,
  byteCount: number,
): AsyncGenerator<Buffer, void, undefined> {
  let left = byteCount
  for await (const chunk of chunks) {
    if (left < chunk.length) yield chunk.subarray(left)
    left = Math.max(0, left - chunk.length)
  }
}

function anyOf(
  one: AbortSignal | undefined,
  other: AbortSignal | undefined,
): AbortSignal | undefined {
  return one === undefined || other === undefined ? (one ?? other) : AbortSignal.any([one, other])
}
