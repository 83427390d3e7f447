/**
 * A date as HTTP writes it (RFC 9110, 5.6.7), in milliseconds since 1970; `undefined` for anything
 * else. Of its three forms that of `asctime` names no zone and means UTC. A text that does not begin
 * with a day's name is none of them: `Date.parse` would read `0` as the year 2000.
 */
export function httpDateMs(value: unknown): number | undefined {
  const text = String(value ?? '').trim()
  if (!/^[A-Z][a-z]{2}/.test(text)) return undefined
  const epochMs = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
  return Number.isNaN(epochMs) ? undefined : epochMs
}
