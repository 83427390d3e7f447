import {
  canBePadded,
  contentCodings,
  encodeAsync,
  encodeSync,
  type ContentCoding,
} from '../compress/index.ts'
import { invalid, knownOptions, positiveInteger } from '../core/index.ts'
import { listMembers, type ResponseHeaders } from './header-rules.ts'

/** Which responses are kept compressed too; see `CachedRouteOptions.compress`. */
export interface CompressOptions {
  /**
   * Smaller bodies are kept as they are.
   *
   * @defaultValue 1_024
   */
  minimumBytes?: number | undefined
  /**
   * The codings that may be made, from `br`, `gzip` and `zstd`: each is made when it is first asked for,
   * and is a copy in memory.
   *
   * @defaultValue ['br', 'gzip']
   */
  encodings?: readonly ContentCoding[] | undefined
}

export interface ResolvedCompressOptions {
  readonly minimumBytes: number
  readonly encodings: readonly ContentCoding[]
  /** Each time that a form is sent; see the option of the compressor. */
  readonly breachPaddingBytes: number | false
}

/** The bytes of a body in the codings that were made; `false` where that is not worth it. */
export type EncodedBodies = Readonly<Partial<Record<ContentCoding, Buffer | false>>>

/** A response that might be kept compressed. */
export interface CompressCandidate {
  readonly status: number
  readonly headers: ResponseHeaders
  readonly bodyBytes: number
  readonly isNoTransform: boolean
}

/**
 * True where a body may be compressed and is likely to become smaller: not what is encoded or
 * negotiated already, what must not be transformed (RFC 9111, 5.2.2.6), or what has a digest of its
 * bytes beside it.
 */
export function isCompressible(
  { status, headers, bodyBytes, isNoTransform }: CompressCandidate,
  { minimumBytes }: ResolvedCompressOptions,
): boolean {
  return (
    status === 200 &&
    bodyBytes >= minimumBytes &&
    !isNoTransform &&
    headers['content-encoding'] === undefined &&
    headers['content-range'] === undefined &&
    digests.every((name) => headers[name] === undefined) &&
    !listMembers(headers['vary']).includes('accept-encoding') &&
    compressibleTypes.test(String(headers['content-type'] ?? ''))
  )
}

/** Compresses a body once for each coding. */
export async function encodeBody(
  body: Buffer,
  codings: readonly ContentCoding[],
): Promise<EncodedBodies> {
  const bodies: Partial<Record<ContentCoding, Buffer | false>> = {}
  const makeOne = async (coding: ContentCoding) => {
    bodies[coding] = encodeSmall(body, coding) ?? (await encodeLarge(body, coding))
  }
  await Promise.all(codings.map(makeOne))
  return bodies
}

/** Compresses a small body on this thread; `undefined` for one that is not small. */
export function encodeSmall(body: Buffer, coding: ContentCoding): Buffer | false | undefined {
  return body.length <= maxSyncBytes ? worthIt(encodeSync(body, coding), body) : undefined
}

/** Compresses a body on one of Node's threads. */
export async function encodeLarge(body: Buffer, coding: ContentCoding): Promise<Buffer | false> {
  return worthIt(await encodeAsync(body, coding), body)
}

/**
 * The entity tag of an encoded form: another than that of the bytes as they are, because a strong
 * tag names bytes (RFC 9110, 8.8.3). A weak one names what they mean, and stays.
 */
export function encodedEtag(etag: string, coding: ContentCoding): string {
  return etag.startsWith('W/') || !etag.endsWith('"') ? etag : `${etag.slice(0, -1)}-${coding}"`
}

/** @throws HotpathError HOTPATH_OPTION_INVALID */
export function resolveCompress(
  name: string,
  compress: CompressOptions | boolean,
  breachPaddingBytes: number | false,
): ResolvedCompressOptions | false {
  if (compress === false) return false
  const options = compress === true ? {} : compress
  knownOptions(name, options, ['minimumBytes', 'encodings'])
  const { minimumBytes = 1_024, encodings = storedCodings } = options
  if (!Array.isArray(encodings) || encodings.some((one) => !contentCodings.includes(one))) {
    invalid(`${name}.encodings`, 'a list from br, gzip and zstd', encodings)
  }
  return {
    minimumBytes: positiveInteger(`${name}.minimumBytes`, minimumBytes),
    encodings: breachPaddingBytes === false ? encodings : encodings.filter(canBePadded),
    breachPaddingBytes,
  }
}

function worthIt(encoded: Buffer, body: Buffer): Buffer | false {
  return encoded.length < body.length * maxWorthRatio && encoded
}

const storedCodings: readonly ContentCoding[] = ['br', 'gzip']

/** Up to this size a body is compressed sooner than a thread could be asked to do it. */
const maxSyncBytes = 8_192

// What saves less is not worth a second copy in memory.
const maxWorthRatio = 0.95

const digests = ['content-digest', 'repr-digest', 'digest', 'content-md5']

// Texts, and what is made of texts. Images, films, archives and web fonts are compressed already.
const compressibleTypes =
  /^\s*(?:text\/(?!event-stream)|application\/(?:javascript|json|xml|wasm|graphql|[\w.-]+\+(?:json|xml|text))|image\/svg\+xml|image\/bmp|font\/(?:ttf|otf|collection))/i
