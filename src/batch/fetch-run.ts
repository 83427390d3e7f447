import { activeTrace, type TraceRecorder } from '../core/index.ts'
import { Aborts } from './aborts.ts'
import { sharedAgent } from './agents.ts'
import { FetchCall, type CallContext } from './fetch-call.ts'
import type { ResolvedFetchOptions } from './fetch-options.ts'
import { resolveRequest, type FetchInput, type Target } from './fetch-request.ts'
import type { FetchResult } from './fetch-result.ts'
import { HostGate } from './host-gate.ts'
import type { MapContext } from './map-options.ts'
import { announceCall } from './observe.ts'

/** One call of `fetchAll`: what its requests share, and how far they are. */
export class FetchRun {
  /** How many requests may be read from the source and not be done. */
  readonly admittedCount: number
  readonly #options: ResolvedFetchOptions
  readonly #total: number | undefined
  readonly #aborts = new Aborts()
  readonly #gate: HostGate | undefined
  readonly #known = new Map<string, Promise<FetchResult<unknown>>>()
  readonly #trace: TraceRecorder | undefined = activeTrace()
  #context: CallContext | undefined
  #signal: AbortSignal | undefined
  #doneCount = 0
  #failedCount = 0

  constructor(options: ResolvedFetchOptions, total: number | undefined) {
    this.#options = options
    this.#total = total
    const { concurrency, perHost, adaptive } = options
    const isGated = adaptive || perHost < concurrency
    if (isGated) this.#gate = new HostGate({ ...options, aborts: this.#aborts })
    this.admittedCount = isGated ? 4 * concurrency : concurrency
  }

  /** Never rejects, unless `onProgress` throws. */
  readonly fetch = async (
    request: FetchInput,
    { signal }: MapContext,
  ): Promise<FetchResult<unknown>> => {
    this.#watch(signal)
    const result = await this.#result(request)
    this.#doneCount++
    if (!result.ok) this.#failedCount++
    const { onProgress } = this.#options
    onProgress?.({ done: this.#doneCount, failed: this.#failedCount, total: this.#total })
    return result
  }

  // The signal is the same for all requests of the run.
  #watch(signal: AbortSignal): void {
    if (this.#signal !== undefined) return
    this.#signal = signal
    signal.addEventListener('abort', () => this.#aborts.abort(signal.reason), { once: true })
  }

  async #result(request: FetchInput): Promise<FetchResult<unknown>> {
    const startedMs = this.#options.clock.monotonicMs()
    let target: Target
    try {
      target = resolveRequest(request)
    } catch (error) {
      return { ok: false, error, status: undefined, request, attempts: 0, durationMs: 0 }
    }
    if (!this.#options.dedupe || target.method !== 'GET' || target.body !== undefined) {
      return this.#call(request, target, startedMs)
    }
    return { ...(await this.#once(request, target, startedMs)), request }
  }

  #once(request: FetchInput, target: Target, startedMs: number): Promise<FetchResult<unknown>> {
    const headers = Object.entries(target.headers).toSorted(([a], [b]) => (a < b ? -1 : 1))
    const key = JSON.stringify([target.url.href, headers])
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const result = this.#call(request, target, startedMs)
    this.#known.set(key, result)
    // An array's results are all kept anyway; an iterable may be endless.
    if (this.#total === undefined) void result.finally(() => this.#known.delete(key))
    return result
  }

  async #call(
    request: FetchInput,
    target: Target,
    startedMs: number,
  ): Promise<FetchResult<unknown>> {
    const context = this.#context ?? (await this.#open())
    const call = new FetchCall(target, context)
    const { clock } = this.#options
    try {
      const value = await call.run()
      const durationMs = clock.monotonicMs() - startedMs
      const { attempts, status = 0 } = call
      announceCall(
        this.#trace,
        target,
        { atMs: startedMs, durationMs, status, error: undefined },
        attempts,
      )
      return { ok: true, value, status, request, attempts, durationMs }
    } catch (error) {
      const durationMs = clock.monotonicMs() - startedMs
      const { attempts, status } = call
      announceCall(this.#trace, target, { atMs: startedMs, durationMs, status, error }, attempts)
      return { ok: false, error, status, request, attempts, durationMs }
    }
  }

  async #open(): Promise<CallContext> {
    const options = this.#options
    const dispatcher = options.dispatcher ?? (await sharedAgent(options.publicAddressesOnly))
    return (this.#context ??= {
      options,
      attempt: { ...options, dispatcher, aborts: this.#aborts },
      aborts: this.#aborts,
      gate: this.#gate,
    })
  }
}
