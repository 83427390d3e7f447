import { isAscii, isUtf8 } from 'node:buffer'

/** How a text is written. A byte-order mark at its beginning decides, except against `latin1`. */
export type TextEncoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'latin1'

/** A text that was decoded without loss. */
export interface DecodedText {
  readonly text: string
  /** Bytes of each UTF-16 unit of the text; undefined where they differ. */
  readonly unitBytes: 1 | 2 | undefined
}

/** What must be known of an encoding to find lines in its bytes. */
export interface TextCodec {
  /** Bytes of a carriage return or a line feed. */
  readonly unitBytes: 1 | 2
  /** The unit (CR, LF or another) at an index; undefined beyond the end. */
  unitAt(bytes: Buffer, index: number): number | undefined
  /** The index of the first line end, CR or LF, from an index on; -1 where there is none. */
  nextLineEnd(bytes: Buffer, from: number): number
  /** The index behind the last line end; a CR at the very end may be half of one and does not count. */
  endOfLines(bytes: Buffer): number
  /** The text, unless the bytes are none in this encoding. */
  decodeValid(bytes: Buffer): DecodedText | undefined
  /** The text, with U+FFFD for what is none. */
  decode(bytes: Buffer): string
  /** The index of at most `maxBytes` at which no character is cut in two. */
  clip(bytes: Buffer, maxBytes: number): number
}

export const lineFeed = 0x0a
export const carriageReturn = 0x0d

abstract class ByteCodec {
  readonly unitBytes = 1

  unitAt(bytes: Buffer, index: number): number | undefined {
    return bytes[index]
  }

  nextLineEnd(bytes: Buffer, from: number): number {
    const feed = bytes.indexOf(lineFeed, from)
    const before = feed === -1 ? bytes : bytes.subarray(0, feed)
    const carriage = before.indexOf(carriageReturn, from)
    return carriage === -1 ? feed : carriage
  }

  endOfLines(bytes: Buffer): number {
    const feed = bytes.lastIndexOf(lineFeed) + 1
    const tail = bytes.subarray(feed, Math.max(feed, bytes.length - 1))
    return feed + tail.lastIndexOf(carriageReturn) + 1
  }
}

class Utf8Codec extends ByteCodec implements TextCodec {
  decodeValid(bytes: Buffer): DecodedText | undefined {
    if (isAscii(bytes)) return { text: bytes.toString('latin1'), unitBytes: 1 }
    return isUtf8(bytes) ? { text: bytes.toString('utf8'), unitBytes: undefined } : undefined
  }

  decode(bytes: Buffer): string {
    return bytes.toString('utf8')
  }

  clip(bytes: Buffer, maxBytes: number): number {
    // A character has at most three bytes after its first.
    let end = maxBytes
    while (end > maxBytes - 4 && end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
    return end
  }
}

class Latin1Codec extends ByteCodec implements TextCodec {
  decodeValid(bytes: Buffer): DecodedText {
    return { text: bytes.toString('latin1'), unitBytes: 1 }
  }

  decode(bytes: Buffer): string {
    return bytes.toString('latin1')
  }

  clip(_bytes: Buffer, maxBytes: number): number {
    return maxBytes
  }
}

class Utf16Codec implements TextCodec {
  readonly unitBytes = 2
  readonly #isBigEndian: boolean

  constructor(isBigEndian: boolean) {
    this.#isBigEndian = isBigEndian
  }

  unitAt(bytes: Buffer, index: number): number | undefined {
    if (index < 0 || index + 1 >= bytes.length) return undefined
    return this.#isBigEndian ? bytes.readUInt16BE(index) : bytes.readUInt16LE(index)
  }

  nextLineEnd(bytes: Buffer, from: number): number {
    for (let at = from; at + 1 < bytes.length; at += 2) {
      const unit = this.unitAt(bytes, at)
      if (unit === lineFeed || unit === carriageReturn) return at
    }
    return -1
  }

  endOfLines(bytes: Buffer): number {
    const last = bytes.length - (bytes.length % 2) - 2
    for (let at = last; at >= 0; at -= 2) {
      const unit = this.unitAt(bytes, at)
      if (unit === lineFeed || (unit === carriageReturn && at < last)) return at + 2
    }
    return 0
  }

  decodeValid(bytes: Buffer): DecodedText | undefined {
    const text = this.#units(bytes)
    return bytes.length % 2 === 0 && text.isWellFormed() ? { text, unitBytes: 2 } : undefined
  }

  decode(bytes: Buffer): string {
    const text = this.#units(bytes)
    // Half a unit at the end is one mistake together with half a pair before it.
    const isCutOff = bytes.length % 2 === 1 && !/[\ud800-\udbff]$/.test(text)
    return text.toWellFormed() + (isCutOff ? '\ufffd' : '')
  }

  clip(bytes: Buffer, maxBytes: number): number {
    const end = maxBytes - (maxBytes % 2)
    const unit = this.unitAt(bytes, end) ?? 0
    return unit >= 0xdc00 && unit <= 0xdfff ? Math.max(0, end - 2) : end
  }

  #units(bytes: Buffer): string {
    const whole = bytes.subarray(0, bytes.length - (bytes.length % 2))
    return (this.#isBigEndian ? Buffer.from(whole).swap16() : whole).toString('utf16le')
  }
}

/** The codec of each encoding. */
export const textCodecs: Readonly<Record<TextEncoding, TextCodec>> = {
  'utf-8': new Utf8Codec(),
  latin1: new Latin1Codec(),
  'utf-16le': new Utf16Codec(false),
  'utf-16be': new Utf16Codec(true),
}

const byteOrderMarks: readonly [TextEncoding, Buffer][] = [
  ['utf-8', Buffer.from('efbbbf', 'hex')],
  ['utf-16le', Buffer.from('fffe', 'hex')],
  ['utf-16be', Buffer.from('feff', 'hex')],
]

/** Bytes that must be there to tell whether a text begins with a byte-order mark. */
export const markBytes = 3

/** The encoding of a text by its first bytes, and how many of them are its byte-order mark. */
export function readMark(
  head: Buffer,
  encoding: TextEncoding,
): { encoding: TextEncoding; markLength: number } {
  const found =
    encoding === 'latin1'
      ? undefined
      : byteOrderMarks.find(([, mark]) => head.subarray(0, mark.length).equals(mark))
  return found === undefined
    ? { encoding, markLength: 0 }
    : { encoding: found[0], markLength: found[1].length }
}
