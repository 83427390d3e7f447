import type { Trace, TraceEntry } from '../../core/index.ts'
import { appFrames, type CallSite } from './call-site.ts'
import { loadFingerprint } from './fingerprint.ts'
import { readSlots, type Slot } from './slots.ts'

type QueryEntry = Extract<TraceEntry, { kind: 'query' }>

/** One query of a trace, read. */
export interface Execution {
  readonly entry: QueryEntry
  readonly fingerprint: string
  /** The innermost line of the app that asks nothing else: an app's own `query()` asks everything. */
  readonly site: CallSite | undefined
  /** The way to the query through the app's code; each place once, so that recursion has one way. */
  readonly path: string
  /** Its slots, and the value in each as {@link valueKey} writes it. */
  readonly slots: readonly Slot[]
  readonly keys: readonly (string | undefined)[]
}

/** The queries of a trace in the order in which they were asked. */
export async function readExecutions(trace: Trace): Promise<Execution[]> {
  const fingerprint = await loadFingerprint()
  const slotsOf = new Map<string, Slot[]>()
  const askedAt = new Map<string, Set<string>>()
  const executions = trace.entries
    .filter((entry) => entry.kind === 'query')
    .sort((one, other) => one.atMs - other.atMs)
    .map((entry) => {
      const slots = slotsOf.get(entry.text) ?? readSlots(entry.text)
      slotsOf.set(entry.text, slots)
      const frames = framesOf(entry)
      const print = fingerprint(entry.text)
      const places = [...new Set(frames.map(placeOf))]
      for (const place of places) {
        askedAt.set(place, (askedAt.get(place) ?? new Set()).add(print))
      }
      return {
        entry,
        slots,
        fingerprint: print,
        frames,
        path: places.join('\n'),
        keys: slots.map(({ placeholder, literal }) =>
          placeholder === undefined ? literal : valueKey(entry.values?.[placeholder - 1]),
        ),
      }
    })
  return executions.map(({ frames, ...execution }) => ({
    ...execution,
    site: frames.find((frame) => askedAt.get(placeOf(frame))?.size === 1) ?? frames[0],
  }))
}

function placeOf({ file, line, column }: CallSite): string {
  return `${file}:${line}:${column}`
}

function framesOf({ site, resumedAt }: QueryEntry): CallSite[] {
  const frames = appFrames(site?.stack ?? '')
  return frames.length > 0 ? frames : appFrames(resumedAt?.stack ?? '')
}

/**
 * A value so that a column's and a parameter's can be compared, whatever type each came in. Undefined
 * for what two queries have in common by chance (null, booleans) and for lists and objects.
 */
export function valueKey(value: unknown): string | undefined {
  if (typeof value === 'string') return value.length > 200 ? undefined : value
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString()
  if (Buffer.isBuffer(value)) return value.length > 100 ? undefined : value.toString('hex')
  return undefined
}
