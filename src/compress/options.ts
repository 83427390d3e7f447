import { invalid, knownOptions, nonEmptyString, positiveInteger } from '../core/index.ts'
import { contentCodings, defaultLevels, type CodingLevels, type ContentCoding } from './encode.ts'

/** Options of `createCompressor`. */
export interface CompressorOptions {
  /**
   * Names the compressor in statistics.
   *
   * @defaultValue 'compressor'
   */
  name?: string | undefined
  /**
   * Smaller bodies are sent as they are.
   *
   * @defaultValue 1_000
   */
  minimumBytes?: number | undefined
  /**
   * The level of gzip, from 1 to 9. Brotli works at its level 4 and zstd at 3, which make JSON about
   * as small as gzip at 6, in less time.
   *
   * @defaultValue 6
   */
  level?: number | undefined
  /**
   * The codings that are offered. Which one a client gets, it decides by the weights of its
   * `Accept-Encoding`; between those that it likes alike, the size of the body decides.
   *
   * @defaultValue all that Node can make: `zstd` (since 22.15), `br`, `gzip`
   */
  encodings?: readonly ContentCoding[] | undefined
  /**
   * Up to so many random bytes are hidden in each compressed body, so that its length says less about
   * a secret in it beside what an attacker has put there (BREACH). Not with brotli, which is not
   * offered then, and not on streams. `false`: none.
   *
   * @defaultValue false
   */
  breachPaddingBytes?: number | false | undefined
}

export interface ResolvedCompressorOptions {
  readonly name: string
  readonly minimumBytes: number
  readonly levels: CodingLevels
  readonly encodings: readonly ContentCoding[]
  readonly breachPaddingBytes: number | false
}

/** @throws HotpathError HOTPATH_OPTION_INVALID */
export function resolveCompressorOptions(options: CompressorOptions): ResolvedCompressorOptions {
  knownOptions('compress', options, [
    'name',
    'minimumBytes',
    'level',
    'encodings',
    'breachPaddingBytes',
  ])
  const { name = 'compressor', minimumBytes = 1_000, level = defaultLevels.gzip } = options
  const { encodings = contentCodings, breachPaddingBytes = false } = options
  if (!Number.isInteger(level) || level < 1 || level > 9) {
    invalid('compress.level', 'a whole number from 1 to 9', level)
  }
  const known: readonly string[] = ['br', 'gzip', 'zstd']
  if (!Array.isArray(encodings) || encodings.some((one: string) => !known.includes(one))) {
    invalid('compress.encodings', 'a list from br, gzip and zstd', encodings)
  }
  if (breachPaddingBytes !== false && !(breachPaddingBytes <= 65_536)) {
    invalid('compress.breachPaddingBytes', 'false, or at most 65536', breachPaddingBytes)
  }
  return {
    name: nonEmptyString('compress.name', name),
    minimumBytes: positiveInteger('compress.minimumBytes', minimumBytes),
    levels: { ...defaultLevels, gzip: level },
    // In the order of `contentCodings`: the app's says nothing.
    encodings: contentCodings.filter((coding) => encodings.includes(coding)),
    breachPaddingBytes:
      breachPaddingBytes === false
        ? false
        : positiveInteger('compress.breachPaddingBytes', breachPaddingBytes),
  }
}
