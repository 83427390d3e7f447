import { invalid, knownOptions, nonEmptyString, positiveInteger } from '../core/index.ts'
import type { CallUsage } from './call-usage.ts'

/** One call that has ended. */
export interface MeasuredCall {
  readonly name: string
  /** From the call to its end; of a generator, the time in its steps, without what its reader does between them. */
  readonly durationMs: number
  /** What it threw or rejected with. */
  readonly error: unknown
  readonly isFailed: boolean
  /** Undefined for a call that was not sampled. */
  readonly usage: CallUsage | undefined
}

/** How {@link measure} measures. */
export interface MeasureOptions {
  /**
   * Shows the function under this name in `components()`, and so to the exporters, for as long as
   * the process lives. Give it to functions that are measured once, not to those made for each
   * request.
   *
   * @defaultValue the function's own name, in logs and events only
   */
  name?: string | undefined
  /**
   * Keeps counts and the histogram, 24 kB. With `false` and no `log`, a call is passed on at once,
   * unless somebody listens to `hotpath:measure:call`.
   *
   * @defaultValue true
   */
  statistics?: boolean | undefined
  /**
   * Is told of every call that ends: `true` writes a line with `console.log`. With a log, every call
   * is sampled, unless `sampleEvery` says otherwise. What it throws does not reach the caller: it
   * becomes an uncaught exception.
   *
   * @defaultValue false
   */
  log?: boolean | ((call: MeasuredCall) => void) | undefined
  /**
   * CPU time, memory and event-loop utilisation are read at every so manieth call (on average: the
   * distance is random, so that it falls in with no rhythm of the app). Reading them takes about 6 µs.
   * `false` reads them never.
   *
   * @defaultValue once in a millisecond of the function's own time, and at least every 1,024th call
   */
  sampleEvery?: number | false | undefined
}

/** {@link MeasureOptions} with every default in place. */
export interface ResolvedMeasureOptions {
  readonly name: string
  readonly isRegistered: boolean
  readonly isKept: boolean
  readonly log: ((call: MeasuredCall) => void) | undefined
  readonly sampleEvery: number | false | undefined
}

export function resolveMeasureOptions(
  options: MeasureOptions,
  ownName: string,
): ResolvedMeasureOptions {
  knownOptions('measure()', options, ['name', 'statistics', 'log', 'sampleEvery'])
  const { name, statistics = true, log = false, sampleEvery } = options
  if (typeof statistics !== 'boolean') invalid('statistics', 'true or false', statistics)
  if (typeof log !== 'boolean' && typeof log !== 'function') {
    invalid('log', 'true, false or a function', log)
  }
  if (sampleEvery !== undefined && sampleEvery !== false) {
    positiveInteger('sampleEvery', sampleEvery)
  }
  const writer = log === true ? logLine : log === false ? undefined : log
  return {
    name: name === undefined ? ownName || 'anonymous' : nonEmptyString('name', name),
    isRegistered: name !== undefined && statistics,
    isKept: statistics,
    log: writer,
    sampleEvery: sampleEvery ?? (writer === undefined ? undefined : 1),
  }
}

function logLine({ name, durationMs, isFailed, usage }: MeasuredCall): void {
  const parts = [`${durationMs.toFixed(3)} ms`]
  if (usage?.cpuMs !== undefined) parts.push(`CPU ${usage.cpuMs.toFixed(3)} ms`)
  if (usage?.heapBytes !== undefined) parts.push(`heap ${signedMb(usage.heapBytes)}`)
  if (usage?.rssBytes !== undefined) parts.push(`RSS ${signedMb(usage.rssBytes)}`)
  if (usage?.attribution === 'thread') parts.push('all that the thread did meanwhile')
  if (usage?.attribution === 'overlapped') parts.push('overlapped: CPU and memory cannot be told')
  if (isFailed) parts.push('failed')
  console.log(`${name}: ${parts.join(', ')}`)
}

function signedMb(bytes: number): string {
  return `${bytes < 0 ? '' : '+'}${(bytes / 1e6).toFixed(2)} MB`
}
