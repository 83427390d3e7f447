import type { WorkSettings } from '../engine.ts'
import type { ClaimedRow, Request, Stop } from './protocol.ts'

/** What names an attempt. */
export type HeldClaim = Pick<Stop, 'seq' | 'claim'>

interface Held {
  readonly claim: number
  readonly name: string
  readonly attempt: number
  /** Later than this its process can only be stuck. */
  readonly stuckMs: number
  /** The process was told that nobody waits for it. */
  isStopped: boolean
}

interface OwnWork {
  readonly settings: WorkSettings
  running: number
}

/**
 * The facade ends an attempt at its time limit, as long as the event loop lets it. So much later the loop
 * is stuck for good, and the task is given to others: the thread would keep its lease for ever.
 */
const stuckAfterMs = 15_000

/** The names that this process works on, and the attempts that it has under way. */
export class Holdings {
  readonly #works = new Map<string, OwnWork>()
  readonly #held = new Map<number, Held>()

  get isWorking(): boolean {
    return this.#works.size > 0 || this.#held.size > 0
  }

  get isHolding(): boolean {
    return this.#held.size > 0
  }

  begin(settings: WorkSettings): void {
    this.#works.set(settings.name, { settings, running: 0 })
  }

  rest(name: string): void {
    this.#works.delete(name)
  }

  /** The names that have room for more, and for how many, once these requests have been dealt with. */
  *room(
    nowMs: number,
    writes: readonly Request[] = [],
  ): Generator<{ settings: WorkSettings; count: number }> {
    // A loop that is stuck would not even begin them.
    for (const { stuckMs } of this.#held.values()) if (nowMs >= stuckMs) return
    const freed = this.#countFreed(writes)
    for (const { settings, running } of this.#works.values()) {
      const count = settings.concurrency - running + (freed.get(settings.name) ?? 0)
      if (count > 0) yield { settings, count }
    }
  }

  hold({ seq, claim, name, attempt }: ClaimedRow, nowMs: number): void {
    const before = this.#held.get(seq)
    if (before !== undefined) this.release({ seq, claim: before.claim })
    const work = this.#works.get(name)
    const stuckMs = nowMs + (work?.settings.timeoutMs ?? Infinity) + stuckAfterMs
    this.#held.set(seq, { claim, name, attempt, stuckMs, isStopped: false })
    if (work !== undefined) work.running++
  }

  release({ seq, claim }: HeldClaim): void {
    const held = this.#held.get(seq)
    if (held?.claim !== claim) return
    this.#held.delete(seq)
    const work = this.#works.get(held.name)
    if (work !== undefined) work.running--
  }

  attemptOf(seq: number): number | undefined {
    return this.#held.get(seq)?.attempt
  }

  claims(): HeldClaim[] {
    return [...this.#held].map(([seq, { claim }]) => ({ seq, claim }))
  }

  /** The attempts that should long be over. */
  stuck(nowMs: number): HeldClaim[] {
    return [...this.#held]
      .filter(([, { stuckMs, isStopped }]) => nowMs >= stuckMs && !isStopped)
      .map(([seq, { claim }]) => ({ seq, claim }))
  }

  /** Notes that attempts are stopped: those that were not before are to be told. */
  stop(claims: readonly HeldClaim[], reason: Stop['reason']): Stop[] {
    return claims.flatMap(({ seq, claim }) => {
      const held = this.#held.get(seq)
      if (held?.claim !== claim || held.isStopped) return []
      held.isStopped = true
      return [{ seq, claim, reason }]
    })
  }

  /** Places that the outcomes of a batch make, by name. */
  #countFreed(writes: readonly Request[]): Map<string, number> {
    const freed = new Map<string, number>()
    for (const request of writes) {
      if (request.ask !== 'settle') continue
      const place = this.#held.get(request.seq)
      if (place?.claim !== request.claim) continue
      freed.set(place.name, (freed.get(place.name) ?? 0) + 1)
    }
    return freed
  }
}
