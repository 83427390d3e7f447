import type { Writable } from 'node:stream'

/** What is written in the same tick leaves in one write. */
export function corkForTick(stream: Writable): void {
  if (stream.writableCorked > 0) return
  stream.cork()
  process.nextTick(() => stream.uncork())
}
