import {
  invalid,
  knownOptions,
  nonEmptyString,
  positiveInteger,
  positiveMs,
  systemClock,
  type Clock,
} from '../core/index.ts'

/** How much a request matters when not all can be served. */
export type Priority = 'critical' | 'normal' | 'background'

/** All of them, the one that is refused last first. */
export const priorities: readonly Priority[] = ['critical', 'normal', 'background']

/** How {@link createShedder} decides. */
export interface ShedderOptions {
  /**
   * Names the shedder in `stats()` and in events.
   *
   * @defaultValue 'shedder'
   */
  name?: string | undefined
  /**
   * The most requests under way at once, whatever is measured. It bounds the memory that they hold.
   *
   * @defaultValue 2_000
   */
  maxInFlight?: number | undefined
  /**
   * The limit never falls below this, however slow the process is. Lower it where a request takes
   * tens of milliseconds of CPU time; raise it where requests take seconds and no CPU time, because
   * they wait for somebody else.
   *
   * @defaultValue 20, or `maxInFlight` where that is less
   */
  minInFlight?: number | undefined
  /**
   * How late, in milliseconds, the event loop may be for whatever is ready to run: the median over
   * a tenth of a second. Above it the limit falls. It is the time that each request waits, several
   * times, for the CPU.
   *
   * @defaultValue 3
   */
  targetDelayMs?: number | undefined
  /**
   * The median latency, in milliseconds, above which the limit falls as well: the overload of a
   * database does not show in the event loop.
   *
   * @defaultValue twice the least median of late, as the shedder has measured it
   */
  targetLatencyMs?: number | undefined
  /**
   * The share of the limit, above 0 and at most 1, up to which requests of a class are admitted,
   * counting those of all classes. What a class may fill beyond the others is its reserve.
   *
   * @defaultValue { critical: 1, normal: 0.4, background: 0.2 }
   */
  shares?: Partial<Record<Priority, number | undefined>> | undefined
  /**
   * The soonest, in milliseconds, that a refused client is asked to come again. Each gets a time of
   * its own between this and three times as much, so that they do not come together.
   *
   * @defaultValue 1_000
   */
  retryAfterMs?: number | undefined
  /** @defaultValue the real time */
  clock?: Clock | undefined
}

/** {@link ShedderOptions}, complete and checked. */
export interface ResolvedShedderOptions {
  readonly name: string
  readonly maxInFlight: number
  readonly minInFlight: number
  readonly targetDelayMs: number
  readonly targetLatencyMs: number | undefined
  readonly shares: Readonly<Record<Priority, number>>
  readonly retryAfterMs: number
  readonly clock: Clock
}

/** The names of {@link ShedderOptions}. */
export const shedderOptionNames: readonly (keyof ShedderOptions)[] = [
  'name',
  'maxInFlight',
  'minInFlight',
  'targetDelayMs',
  'targetLatencyMs',
  'shares',
  'retryAfterMs',
  'clock',
]

/** @throws HotpathError HOTPATH_OPTION_INVALID */
export function resolveShedderOptions(options: ShedderOptions): ResolvedShedderOptions {
  knownOptions('createShedder', options, shedderOptionNames)
  const { maxInFlight = 2_000, targetLatencyMs } = options
  const { minInFlight = Math.min(20, maxInFlight) } = options
  if (positiveInteger('minInFlight', minInFlight) > positiveInteger('maxInFlight', maxInFlight)) {
    invalid('minInFlight', `at most maxInFlight (${maxInFlight})`, minInFlight)
  }
  return {
    name: nonEmptyString('name', options.name ?? 'shedder'),
    maxInFlight,
    minInFlight,
    targetDelayMs: positiveMs('targetDelayMs', options.targetDelayMs ?? 3),
    targetLatencyMs:
      targetLatencyMs === undefined ? undefined : positiveMs('targetLatencyMs', targetLatencyMs),
    shares: resolveShares(options.shares),
    retryAfterMs: positiveMs('retryAfterMs', options.retryAfterMs ?? 1_000),
    clock: options.clock ?? systemClock,
  }
}

function resolveShares(shares: ShedderOptions['shares'] = {}): Record<Priority, number> {
  knownOptions('shares', shares, priorities)
  const { critical = 1, normal = 0.4, background = 0.2 } = shares
  for (const [priority, share] of Object.entries({ critical, normal, background })) {
    if (!(share > 0 && share <= 1)) {
      invalid(`shares.${priority}`, 'a share of the limit above 0 and at most 1', share)
    }
  }
  return { critical, normal, background }
}
