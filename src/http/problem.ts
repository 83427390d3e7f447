import type { ReadyAnswer } from './answer.ts'

/** An answer that says what is wrong with a request, in the form of RFC 9457. */
export function problemAnswer(
  status: number,
  title: string,
  detail: string,
  head: readonly string[] = [],
): ReadyAnswer {
  const body = JSON.stringify({ title, status, detail })
  const length = String(Buffer.byteLength(body))
  const type = 'application/problem+json'
  return { status, head: [...head, 'content-type', type, 'content-length', length], body }
}
