import type { IncomingHttpHeaders } from 'node:http'
import {
  createCompressor,
  type Compressor,
  type CompressorOptions,
  type ContentCoding,
} from '../compress/index.ts'
import type { CompressOptions } from './encodings.ts'
import { listMembers, type ResponseHeaders } from './header-rules.ts'
import { isCompressibleType } from './media-type.ts'
import { withAcceptEncoding } from './stored-response.ts'

/** A response of which the head is known and nothing has been sent. */
export interface ResponseToCompress {
  readonly method: string
  readonly status: number
  readonly headers: ResponseHeaders
  /** `undefined` for a stream, and for the answer to a HEAD that does not say. */
  readonly byteLength: number | undefined
}

/** What is to become of the head, and of the body. */
export interface CompressPlan {
  /** `undefined`: the body is sent as it is. */
  readonly coding: ContentCoding | undefined
  /** What `Vary` is to be, where it must change. */
  readonly vary: string | undefined
}

const untouched: CompressPlan = { coding: undefined, vary: undefined }

/** @throws HotpathError HOTPATH_OPTION_INVALID */
export function resolveCompressStep(
  given: CompressorOptions | Compressor | boolean | undefined = false,
): CompressStep | undefined {
  return given === false ? undefined : new CompressStep(given)
}

/** Decides which responses are compressed, and how; see `createCompressor` for the work itself. */
export class CompressStep {
  readonly compressor: Compressor
  readonly #isOwn: boolean
  readonly #longText: number

  /** @throws HotpathError HOTPATH_OPTION_INVALID */
  constructor(given: CompressorOptions | Compressor | true) {
    this.#isOwn = given === true || !('codingFor' in given)
    this.compressor = this.#isOwn
      ? createCompressor(given === true ? {} : given)
      : (given as Compressor)
    this.#longText = Math.max(longText, this.compressor.minimumBytes)
  }

  /**
   * The bytes of a body, for {@link plan}. Those of a long text are at least its characters, and nothing
   * that is decided by the length would be otherwise for more: they are not counted.
   */
  lengthOf(body: string | Buffer): number {
    if (typeof body !== 'string') return body.length
    return body.length >= this.#longText ? body.length : Buffer.byteLength(body)
  }

  /** How a response is sent to a client with these headers. */
  plan(response: ResponseToCompress, request: IncomingHttpHeaders): CompressPlan {
    if (!this.#mayCompress(response)) return untouched
    const { headers, byteLength } = response
    const vary = withAcceptEncoding(headers['vary'])
    return {
      coding: this.compressor.codingFor(request['accept-encoding']?.toString(), byteLength),
      vary: vary === headers['vary']?.toString() ? undefined : vary,
    }
  }

  /**
   * What the response cache makes of this, where it is not told otherwise. Each coding is a copy in
   * memory: one that large bodies are small in and one that every client knows are enough.
   */
  get forCache(): CompressOptions {
    const { encodings, minimumBytes } = this.compressor
    const stored = encodings.filter((coding) => coding !== 'zstd')
    return { minimumBytes, encodings: stored.length === 0 ? encodings : stored }
  }

  async close(): Promise<void> {
    if (this.#isOwn) await this.compressor.close()
  }

  #mayCompress({ status, headers, byteLength }: ResponseToCompress): boolean {
    return (
      status >= 200 &&
      status !== 204 &&
      status !== 206 &&
      status !== 304 &&
      (byteLength === undefined || byteLength >= this.compressor.minimumBytes) &&
      isIdentity(headers['content-encoding']) &&
      untransformable.every((name) => headers[name] === undefined) &&
      isCompressibleType(String(headers['content-type'] ?? '')) &&
      !listMembers(headers['cache-control']).some((directive) => directive === 'no-transform')
    )
  }
}

/**
 * The entity tag of a compressed response: a weak one, because a strong tag names the bytes (RFC 9110,
 * 8.8.3).
 */
export function weakened(etag: ResponseHeaders[string]): string | undefined {
  const text = etag?.toString()
  return text?.startsWith('"') === true ? `W/${text}` : undefined
}

/** From here on the coding does not depend on the length. */
const longText = 4_096

/** Headers that speak of the very bytes, or of a part of them. */
const untransformable = ['content-range', 'content-digest', 'repr-digest', 'digest', 'content-md5']

function isIdentity(encoding: ResponseHeaders[string]): boolean {
  return encoding === undefined || encoding === '' || String(encoding).toLowerCase() === 'identity'
}
