import { eventChannel } from '../core/index.ts'

const hints = eventChannel('hotpath:workers:clone-cost')

/** So many calls of a function are judged together. */
const callsPerVerdict = 20
/** What takes less of the event loop than this is nobody's trouble, however little work it is for. */
const leastCloneMs = 0.1
/** So many of them must be costly. */
const costlyRatio = 0.75

interface Cost {
  calls: number
  /** Calls of which the clone took longer than the work. */
  costlyCalls: number
  cloneMs: number
  runMs: number
  isWarned: boolean
}

/**
 * Notices functions whose input takes the main thread longer to clone than the work would take: these
 * hold up the event loop more than if they ran in it.
 */
export class CloneCosts {
  readonly #workers: string
  readonly #costs = new Map<string, Cost>()

  constructor(workers: string) {
    this.#workers = workers
  }

  add(name: string, cloneMs: number, runMs: number): void {
    let cost = this.#costs.get(name)
    if (cost === undefined) {
      cost = { calls: 0, costlyCalls: 0, cloneMs: 0, runMs: 0, isWarned: false }
      this.#costs.set(name, cost)
    }
    cost.cloneMs += cloneMs
    cost.runMs += runMs
    // Counted one by one: a machine that is busy makes one clone of twenty take any time.
    if (cloneMs >= leastCloneMs && cloneMs > runMs) cost.costlyCalls++
    if (++cost.calls === callsPerVerdict) this.#judge(name, cost)
  }

  #judge(name: string, cost: Cost): void {
    const { calls, costlyCalls, isWarned } = cost
    const cloneMs = cost.cloneMs / calls
    const runMs = cost.runMs / calls
    Object.assign(cost, { calls: 0, costlyCalls: 0, cloneMs: 0, runMs: 0 })
    if (costlyCalls < calls * costlyRatio) return
    if (hints.hasSubscribers) hints.publish({ workers: this.#workers, name, cloneMs, runMs })
    if (isWarned) return
    cost.isWarned = true
    process.emitWarning(
      `cloning the input of ${name}() for a worker thread takes the event loop ${cloneMs.toFixed(2)} ms, ` +
        `its work ${runMs.toFixed(2)} ms; run it in the main thread, transfer buffers, or send less`,
      { type: 'HotpathWarning', code: 'HOTPATH_WORKERS_CLONE_COST' },
    )
  }
}
