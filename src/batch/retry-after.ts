import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '../core/index.ts'

/**
 * How long `Retry-After` asks to wait, in milliseconds (RFC 9110 section 10.2.3): seconds, or a date.
 * A date is read by the server's own clock where the answer says what that shows, since ours may be
 * wrong.
 */
export function retryAfterMs(headers: IncomingHttpHeaders, clock: Clock): number | undefined {
  // Whatever the type says: undici makes a list of a field that was sent twice. The longest counts.
  const waits = [headers['retry-after'] ?? []]
    .flat()
    .map((value) => waitOf(value.trim(), headers, clock))
    .filter((waitMs) => waitMs !== undefined)
  return waits.length === 0 ? undefined : Math.max(...waits)
}

function waitOf(value: string, headers: IncomingHttpHeaders, clock: Clock): number | undefined {
  if (/^\d+$/.test(value)) return Number(value) * 1_000
  // `Date.parse` makes a date of almost anything, and takes the form of C's asctime for local time.
  if (!/^[A-Z][a-z]{2}/.test(value)) return undefined
  const until = Date.parse(value.endsWith('GMT') ? value : `${value} GMT`)
  if (Number.isNaN(until)) return undefined
  const servers = Date.parse(headers.date ?? '')
  return Math.max(0, until - (Number.isNaN(servers) ? clock.epochMs() : servers))
}
