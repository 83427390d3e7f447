import { resolveDeliverOptions, type DeliverOptions, type SinkFunction } from './deliver-options.ts'
import { regroup, type Group } from './group-rows.ts'
import type { Place } from './place.ts'
import { placedSink, type SignallingSink } from './placed-sink.ts'
import { ProgressBar } from './progress-bar.ts'
import { ProgressMeter } from './progress.ts'
import { Rejects } from './rejects.ts'
import type { Batches } from './row-steps.ts'
import { Run } from './run.ts'

/** What was delivered. */
export interface Delivery<Result> {
  /** What the sink closed with. */
  readonly result: Result
  readonly rows: number
  readonly rejected: number
  /** Bytes of the source that were read. */
  readonly bytes: number
  /** Where to go on (`from`) if the source grows. */
  readonly next: Place
  readonly durationMs: number
}

/** Moves all rows of a pipeline into a sink. */
export async function deliver<T, Result>(
  open: (run: Run) => Batches<T>,
  target: SignallingSink<T, Result> | SinkFunction<T>,
  options: DeliverOptions,
): Promise<Delivery<Result>> {
  const sink = placedSink<T, Result>(target)
  const bar = new ProgressBar(process.stderr)
  let rejects: Rejects | undefined
  try {
    const { batchSize, progressBar, onProgress, name, clock, ...rules } =
      resolveDeliverOptions(options)
    rejects = rules.rejects && new Rejects(rules.rejects, rules.maxRejects)
    const signals = [rules.signal, sink.signal].filter((signal) => signal !== undefined)
    const run = new Run(signals.length > 1 ? AbortSignal.any(signals) : signals[0], rejects)
    run.signal?.throwIfAborted()

    const meter = new ProgressMeter(run, name, clock, [
      ...(onProgress === undefined ? [] : [onProgress]),
      ...(progressBar ? [bar.show] : []),
    ])
    let rows = 0
    let next: () => Place = () => ({ line: 1, byteOffset: undefined })
    const batches = open(run)
    for await (const group of batchSize === undefined
      ? asRead(batches)
      : regroup(batches, batchSize)) {
      if (group.rows.length > 0) await sink.write(group.rows, group.end)
      rows += group.rows.length
      next = group.end
      meter.tick(rows, next)
      run.signal?.throwIfAborted()
    }
    // First what failed, so that nothing is done before all of it is safe.
    await rejects?.close()
    const result = await sink.close()
    meter.report(rows, next())
    return {
      result,
      rows,
      rejected: run.rejectedCount,
      bytes: run.bytesRead,
      next: next(),
      durationMs: meter.elapsedMs,
    }
  } catch (error) {
    // Whatever else goes wrong now, this is the error to tell.
    await sink.abort(error).catch(() => {})
    await rejects?.end()
    throw error
  } finally {
    if (options.progressBar === true) bar.close()
  }
}

async function* asRead<T>(batches: Batches<T>): AsyncGenerator<Group<T>, void, undefined> {
  for await (const batch of batches) {
    yield { rows: batch.rows, start: () => batch.placeOf(0), end: () => batch.end }
  }
}
