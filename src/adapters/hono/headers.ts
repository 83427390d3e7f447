import type { Context } from 'hono'
import type { ResponseHeaders } from '../../http/index.ts'

/** The headers as the exchange reads them: cookies as a list, everything else as a text. */
export function headersOf(headers: Headers): ResponseHeaders {
  const found: Record<string, string | readonly string[]> = Object.fromEntries(headers)
  if (headers.has('set-cookie')) found['set-cookie'] = headers.getSetCookie()
  return found
}

const none: ResponseHeaders = {}

/** The headers that the app's middleware has set so far. */
export function headersSoFar(context: Context): ResponseHeaders {
  // Asking `context.res` would make a response, into which every later one is then merged.
  const { headers } = context.body(null)
  return headers.keys().next().done === true ? none : headersOf(headers)
}

/** Names and values by turns, as `new Response` takes them. */
export function headersFrom(head: readonly string[]): Record<string, string> | Headers {
  const record: Record<string, string> = {}
  for (let at = 0; at < head.length; at += 2) {
    const name = head[at] ?? ''
    if (name in record) return headersWithLists(head)
    record[name] = head[at + 1] ?? ''
  }
  return record
}

function headersWithLists(head: readonly string[]): Headers {
  const headers = new Headers()
  for (let at = 0; at < head.length; at += 2) headers.append(head[at] ?? '', head[at + 1] ?? '')
  return headers
}
