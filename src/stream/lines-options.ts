import { invalid, knownOptions, nonNegativeInteger, positiveInteger } from '../core/index.ts'
import type { Place } from './place.ts'
import { textCodecs, type TextEncoding } from './text-codec.ts'

/** A way in which a text may be compressed. */
export type Compression = 'gzip' | 'brotli' | 'zstd'

/** How {@link lines} reads. */
export interface LinesOptions {
  /**
   * How the text is written. A byte-order mark at its beginning decides (and is no part of the
   * first line), except against `latin1`.
   *
   * @defaultValue 'utf-8'
   */
  encoding?: TextEncoding | undefined
  /**
   * How the source is compressed; `false` takes its bytes as they are.
   *
   * @defaultValue gzip and zstd by their first bytes; brotli, which has no such mark, by a name that
   * ends in `.br`
   */
  compression?: Compression | false | undefined
  /**
   * The longest line that is read whole, in bytes without its end. It bounds the memory: a file
   * without line ends is one line.
   *
   * @defaultValue 16_777_216
   */
  maxLineBytes?: number | undefined
  /**
   * What becomes of a longer line: it fails, or it is cut at a whole character and reading goes on
   * behind it.
   *
   * @defaultValue 'error'
   */
  onLongLine?: 'error' | 'cut' | undefined
  /**
   * What becomes of a line that is no text in its encoding: it gets U+FFFD in place of what is
   * wrong, or it fails.
   *
   * @defaultValue 'replace'
   */
  invalidText?: 'replace' | 'error' | undefined
  /**
   * Where to begin: the place that an earlier run had come to, or its byte offset, with lines
   * counted from 1 then. What is before it is not read in a plain file, and passed over elsewhere.
   */
  from?: Place | number | undefined
  /** Stops reading and closes the source. */
  signal?: AbortSignal | undefined
}

export interface ResolvedLinesOptions {
  readonly encoding: TextEncoding
  readonly compression: Compression | false | undefined
  readonly maxLineBytes: number
  readonly onLongLine: 'error' | 'cut'
  readonly invalidText: 'replace' | 'error'
  readonly from: Place & { readonly byteOffset: number }
  readonly signal: AbortSignal | undefined
}

export function resolveLinesOptions(options: LinesOptions): ResolvedLinesOptions {
  knownOptions('lines', options, [
    'encoding',
    'compression',
    'maxLineBytes',
    'onLongLine',
    'invalidText',
    'from',
    'signal',
  ])
  const { compression, from = 0, signal } = options
  const start = typeof from === 'number' ? { line: 1, byteOffset: from } : from
  return {
    encoding: oneOf('encoding', Object.keys(textCodecs), options.encoding ?? 'utf-8'),
    compression:
      compression && oneOf('compression', ['gzip', 'brotli', 'zstd'] as const, compression),
    maxLineBytes: positiveInteger('maxLineBytes', options.maxLineBytes ?? 16 * 1_024 * 1_024),
    onLongLine: oneOf('onLongLine', ['error', 'cut'], options.onLongLine ?? 'error'),
    invalidText: oneOf('invalidText', ['replace', 'error'], options.invalidText ?? 'replace'),
    from: {
      line: positiveInteger('from.line', start.line),
      byteOffset: nonNegativeInteger('from', start.byteOffset ?? invalidOffset(start)),
    },
    signal,
  }
}

/** One of a few words. */
export function oneOf<T extends string>(name: string, words: readonly string[], value: T): T {
  if (!words.includes(value)) invalid(name, `one of ${words.join(', ')}`, value)
  return value
}

function invalidOffset(place: Place): never {
  return invalid('from', 'a place in a text, with its byteOffset', place)
}
