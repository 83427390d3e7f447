import type { IncomingHttpHeaders } from 'node:http'
import { contentCodings, type ContentCoding } from '../compress/index.ts'
import { invalid, knownOptions, positiveInteger } from '../core/index.ts'
import type { ReadyAnswer } from './answer.ts'
import { listMembers } from './header-rules.ts'
import { problemAnswer } from './problem.ts'
import { RequestDecoder, type DecodeLimits, type RequestBodyError } from './request-decoder.ts'

/** How far the body of a request may unfold. */
export interface DecodeOptions {
  /**
   * The most bytes that a body may have when it is decoded; a larger one is answered by a 413.
   *
   * @defaultValue 1_048_576
   */
  maxBytes?: number | undefined
  /**
   * How many times as large as the encoded body the decoded one may be, once it is above 64 KiB; a
   * larger one is answered by a 413. JSON comes to 5 to 20, a bomb to a thousand.
   *
   * @defaultValue 100
   */
  maxRatio?: number | undefined
}

/** What becomes of a request: its body is decoded, or it is answered. */
export type DecodePlan =
  | { readonly decoder: RequestDecoder; readonly refusal: undefined }
  | { readonly refusal: ReadyAnswer }

/** Each needs memory of its own, and nobody honest has more than two. */
const maxCodings = 3

/** Decides which bodies of requests are decoded. */
export class DecodeStep {
  readonly #limits: DecodeLimits

  /** @throws HotpathError HOTPATH_OPTION_INVALID */
  constructor(options: DecodeOptions | true) {
    this.#limits = resolveDecodeOptions(options === true ? {} : options)
  }

  /** `undefined`: there is nothing to decode. */
  plan(headers: IncomingHttpHeaders): DecodePlan | undefined {
    const named = headers['content-encoding']
    if (named === undefined || !hasBody(headers)) return undefined
    const codings = codingsOf(named)
    if (codings === undefined) return { refusal: unknownCoding }
    if (codings.length === 0) return undefined
    return { decoder: new RequestDecoder(codings, this.#limits), refusal: undefined }
  }
}

/** What a client gets whose body was refused, in the form of RFC 9457. */
export function bodyAnswer({ status, message }: RequestBodyError): ReadyAnswer {
  return problemAnswer(status, status === 413 ? 'Content Too Large' : 'Bad Request', message)
}

/** The head of a request is now that of the decoded body, of which nobody knows the length. */
export function describeDecoded(headers: IncomingHttpHeaders): void {
  delete headers['content-encoding']
  delete headers['content-length']
  // By one of the two, those who parse bodies know that there is one.
  headers['transfer-encoding'] = 'chunked'
}

function resolveDecodeOptions(options: DecodeOptions): DecodeLimits {
  knownOptions('decodeRequests', options, ['maxBytes', 'maxRatio'])
  const { maxBytes = 1_048_576, maxRatio = 100 } = options
  if (typeof maxRatio !== 'number' || !(maxRatio >= 1)) {
    invalid('decodeRequests.maxRatio', 'a number of at least 1', maxRatio)
  }
  return { maxBytes: positiveInteger('decodeRequests.maxBytes', maxBytes), maxRatio }
}

function hasBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || headers['content-length'] !== undefined
}

/** `undefined` where one of them is unknown, or where there are too many. */
function codingsOf(named: string): ContentCoding[] | undefined {
  const known: readonly string[] = contentCodings
  const codings = listMembers(named)
    .filter((member) => member !== 'identity')
    // RFC 9110, 8.4.1.3: the old name of gzip.
    .map((member) => (member === 'x-gzip' ? 'gzip' : member))
  if (codings.length > maxCodings || codings.some((coding) => !known.includes(coding))) {
    return undefined
  }
  return codings as ContentCoding[]
}

// RFC 9110, 15.5.16: what would have been understood is named.
const acceptEncoding = ['gzip', 'br', 'zstd']
  .filter((coding) => (contentCodings as readonly string[]).includes(coding))
  .join(', ')
const unknownCoding = problemAnswer(
  415,
  'Unsupported Media Type',
  `the Content-Encoding of a body may be one of ${acceptEncoding}, or up to ${maxCodings} of them`,
  ['accept-encoding', acceptEncoding],
)
