import { knownOptions, nonEmptyString, systemClock, timerMs, type Clock } from '../core/index.ts'

/** How {@link createRuntimeMonitor} watches. */
export interface RuntimeMonitorOptions {
  /** @defaultValue 'runtime' */
  name?: string | undefined
  /**
   * Event-loop delay and utilisation are those of the last full interval of so many milliseconds.
   * Make it as long as the time between two scrapes.
   *
   * @defaultValue 10_000
   */
  intervalMs?: number | undefined
  /** Where the intervals come from; for tests. */
  clock?: Clock | undefined
}

/** {@link RuntimeMonitorOptions} with every default in place. */
export interface ResolvedRuntimeMonitorOptions {
  readonly name: string
  readonly intervalMs: number
  readonly clock: Clock
}

export function resolveRuntimeMonitorOptions(
  options: RuntimeMonitorOptions,
): ResolvedRuntimeMonitorOptions {
  knownOptions('createRuntimeMonitor()', options, ['name', 'intervalMs', 'clock'])
  const { name = 'runtime', intervalMs = 10_000, clock = systemClock } = options
  return {
    name: nonEmptyString('name', name),
    intervalMs: timerMs('intervalMs', intervalMs),
    clock,
  }
}
