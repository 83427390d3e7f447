import type { CacheControl } from './cache-control.ts'
import type { ResponseHeaders } from './header-rules.ts'
import { httpDateMs } from './http-date.ts'

/** How old a response is when it comes from its handler, and how long it says that it is good for. */
export interface Freshness {
  /** Above 0 where the handler passes on what another cache had kept. */
  readonly ageMs: number
  /** What is left of its own lifetime; 0 and less when it is over, `undefined` where it has none. */
  readonly freshMs: number | undefined
}

/** Reads `Cache-Control`, `Expires`, `Date` and `Age` as RFC 9111, 4.2 says. */
export function freshnessOf(
  control: CacheControl,
  headers: ResponseHeaders,
  nowEpochMs: number,
): Freshness {
  const dateEpochMs = httpDateMs(headers['date']) ?? nowEpochMs
  // A date has no fractions of a second: less than one is no age.
  const apparentAgeMs = Math.floor((nowEpochMs - dateEpochMs) / 1_000) * 1_000
  const ageMs = Math.max(0, apparentAgeMs, statedAgeMs(headers['age']))
  const lifetimeMs = control.freshMs ?? untilExpires(headers['expires'], dateEpochMs)
  return { ageMs, freshMs: lifetimeMs === undefined ? undefined : lifetimeMs - ageMs }
}

function untilExpires(expires: unknown, dateEpochMs: number): number | undefined {
  if (expires === undefined) return undefined
  // What is no date, `0` above all, is long over (RFC 9111, 5.3); of several the first one counts.
  const epochMs = httpDateMs(Array.isArray(expires) ? expires[0] : expires)
  return epochMs === undefined ? -Infinity : epochMs - dateEpochMs
}

// An Age that cannot be read is ignored, of several the first one counts (RFC 9111, 5.1).
function statedAgeMs(age: unknown): number {
  if (age === undefined) return 0
  const text = String(age).split(',', 1)[0]?.trim() ?? ''
  return /^\d+$/.test(text) ? Number(text) * 1_000 : 0
}
