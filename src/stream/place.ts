/** Where a row begins in its source. */
export interface Place {
  /** Its line, counted from 1 as editors do; of rows that are no lines, their number. */
  readonly line: number
  /** The bytes of the text before it (after decompression); undefined where rows are no lines. */
  readonly byteOffset: number | undefined
}

/** For messages: `line 12 (byte 3045)`. */
export function describePlace({ line, byteOffset }: Place): string {
  return byteOffset === undefined ? `row ${line}` : `line ${line} (byte ${byteOffset})`
}
