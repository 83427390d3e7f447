/** A use that was let through: it was decided about at some time between these two. */
export interface Admission {
  readonly askedMs: number
  readonly heardMs: number
}

/**
 * By how many uses the fullest window of time has gone beyond `burst + rate × T`; not above 0 where
 * none has. Counted are those that lie in the window whatever happened between asking and hearing:
 * it is the highest level of a leaky bucket, less the burst, where the two are the same moment.
 */
export function excessOf(
  admissions: readonly Admission[],
  { burst, perMs }: { readonly burst: number; readonly perMs: number },
): number {
  const starts = Float64Array.from(admissions, ({ askedMs }) => askedMs).sort()
  // For a window that begins at each of the starts: what has come, and what its start is worth.
  const levels = starts.map((startMs) => startMs * perMs)
  let highest = 0
  for (const { askedMs, heardMs } of admissions.toSorted((a, b) => a.heardMs - b.heardMs)) {
    let level = -Infinity
    for (let at = 0; at < starts.length && (starts[at] as number) <= heardMs; at++) {
      if ((starts[at] as number) <= askedMs) levels[at] = (levels[at] as number) + 1
      if ((levels[at] as number) > level) level = levels[at] as number
    }
    highest = Math.max(highest, level - heardMs * perMs)
  }
  return highest - burst
}
