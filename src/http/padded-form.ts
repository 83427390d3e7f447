import { padded, type ContentCoding } from '../compress/index.ts'
import { weakened } from './compress-step.ts'
import { replaced, type StoredForm } from './stored-response.ts'

/**
 * A kept form as it is sent once, with random bytes in it that decoders skip: of a length that were the
 * same for all who are sent it, an attacker would only have to ask often enough (BREACH). A strong
 * entity tag would name the bytes.
 */
export function paddedForm(
  form: StoredForm,
  bytes: Buffer,
  coding: ContentCoding,
  mostBytes: number,
): StoredForm {
  const body = padded(bytes, coding, mostBytes)
  const etag = weakened(form.etag) ?? form.etag
  return {
    head: replaced(form.head, { etag, 'content-length': String(body.length) }),
    body,
    etag,
  }
}
