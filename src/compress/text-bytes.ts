import { transcode } from 'node:buffer'
import { isStringOneByteRepresentation } from 'node:v8'

/** Absent from a Node that was built without ICU. */
const canTranscode = typeof transcode === 'function'

/** Longer texts get memory of their own. */
const scratchBytes = 1_048_576
let scratch: Buffer | undefined

/**
 * A text in UTF-8. V8 keeps a text with a single character beyond Latin-1, a typographic quote for
 * instance, in two bytes a character, and converts that slowly, as `Buffer.from` does: 50 µs for 20 kB,
 * nearly as long as zstd takes to compress them. `transcode` does it with vector instructions, in a
 * fifth of that.
 */
export function bytesOfText(text: string): Buffer {
  return wideBytes(text) ?? Buffer.from(text)
}

/** The same for whoever is done with the bytes at once: the next call may write over them. */
export function passingBytesOfText(text: string): Buffer {
  const wide = wideBytes(text)
  if (wide !== undefined) return wide
  // A character of Latin-1 takes at most two bytes, one of UTF-16 three.
  if (text.length > scratchBytes / 3) return Buffer.from(text)
  const into = scratchMemory()
  return into.subarray(0, into.write(text))
}

/**
 * Gives the memory of a text's bytes back at once. V8 does so when it collects garbage, and collects it
 * for the sake of such memory: with texts of 1 MB it did nothing else.
 */
export function releaseBytesOfText(bytes: Buffer): void {
  const { buffer } = bytes
  // Small ones are a part of memory that Node shares out, and passing ones of the scratch.
  if (buffer === scratch?.buffer || buffer.byteLength !== bytes.byteLength) return
  if (buffer instanceof ArrayBuffer) buffer.transfer(0)
}

/** How much memory a text takes while it waits; its bytes in UTF-8 are most often fewer. */
export function memoryOfText(text: string): number {
  return isStringOneByteRepresentation(text) ? text.length : 2 * text.length
}

function wideBytes(text: string): Buffer | undefined {
  if (!canTranscode || isStringOneByteRepresentation(text)) return undefined
  const utf16 = utf16Of(text)
  try {
    return transcode(utf16, 'utf16le', 'utf8')
  } catch {
    // Half of a surrogate pair, which no bytes stand for: `Buffer.from` puts U+FFFD in its place.
    return undefined
  } finally {
    releaseBytesOfText(utf16)
  }
}

function utf16Of(text: string): Buffer {
  if (text.length > scratchBytes / 2) return Buffer.from(text, 'utf16le')
  const into = scratchMemory()
  return into.subarray(0, into.write(text, 'utf16le'))
}

function scratchMemory(): Buffer {
  return (scratch ??= Buffer.allocUnsafeSlow(scratchBytes))
}
