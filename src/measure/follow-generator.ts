import { isPromise } from 'node:util/types'
import type { CallRecord } from './call-record.ts'
import { countTurn, type UsageSample } from './call-usage.ts'

type Step = (...args: unknown[]) => unknown
export type AnyGenerator = Record<'next' | 'return' | 'throw', Step>

/**
 * Ends the call when the generator is done, throws, or is left early. The caller gets the generator
 * itself: only its three methods are laid over with ones that look at the clock.
 */
export function followGenerator(
  generator: AnyGenerator,
  record: CallRecord,
  sample: UsageSample | undefined,
): AnyGenerator {
  let activeMs = 0
  let ownTurns = 0
  // Steps of an async generator may be asked for before the one before has ended.
  let pending = 0
  let startMs = 0
  let hasEnded = false

  record.goOn()
  for (const name of ['next', 'return', 'throw'] as const) {
    const own = generator[name]
    Object.defineProperty(generator, name, {
      value: (...args: unknown[]) => take(own, args),
      configurable: true,
      writable: true,
    })
  }
  return generator

  function take(step: Step, args: unknown[]): unknown {
    if (hasEnded) return Reflect.apply(step, generator, args)
    ownTurns++
    countTurn()
    if (pending++ === 0) startMs = performance.now()
    let result: unknown
    try {
      result = Reflect.apply(step, generator, args)
    } catch (error) {
      leave(true, true, error)
      throw error
    }
    if (isPromise(result)) return takeLater(result)
    leave(isDone(result), false, undefined)
    return result
  }

  async function takeLater(promise: Promise<unknown>): Promise<unknown> {
    try {
      const result = await promise
      leave(isDone(result), false, undefined)
      return result
    } catch (error) {
      leave(true, true, error)
      throw error
    }
  }

  function leave(isLast: boolean, isFailed: boolean, error: unknown): void {
    pending--
    if (pending === 0 || (isLast && !hasEnded)) activeMs += performance.now() - startMs
    if (!isLast || hasEnded) return
    hasEnded = true
    record.endLater(activeMs, sample?.ofThread(ownTurns), isFailed, error)
  }
}

function isDone(result: unknown): boolean {
  return (result as IteratorResult<unknown>).done === true
}
