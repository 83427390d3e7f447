// What usually takes longer is slow: what waits behind it loses more than pipelining gains.
const slowMs = 2
/** A run that takes this long is a stall. */
export const stallMs = 25
// A statement whose backend waits for the processor of a busy machine is late now and then, and
// twenty times or more for each time that it is as late as a stall.
const lateMs = 5
const latePerStall = 20
// A run counts one part in so many.
const rememberedRuns = 768
// Two bounds, so that a statement does not go to and fro between them.
const unevenRatio = 0.006
const evenRatio = 0.001

/** What the runs of one statement have shown of the time it takes on the server. */
export class Habit {
  /** Its usual time in milliseconds, the latest runs counting most. */
  usualMs = 0
  #isKnown = false
  // Stalls among its runs, less those that are likely to be the machine's.
  #stallRatio = 0
  #isUneven = false

  /** Others may be sent behind it: it usually takes little time, and seldom stalls. */
  get isQuick(): boolean {
    return this.#isKnown && this.usualMs <= slowMs && !this.#isUneven
  }

  /** It usually takes little time, but stalls too often for others to be sent behind it. */
  get isUneven(): boolean {
    return this.usualMs <= slowMs && this.#isUneven
  }

  /**
   * Takes in one run.
   *
   * @param isItsOwn - when it took long, others did not: a stall that many have together says nothing
   * of its statement
   */
  learn(tookMs: number, isItsOwn: boolean): void {
    this.#isKnown = true
    // One part in sixteen: a changed habit shows after a few dozen runs, and a single stall does not
    // look like one.
    this.usualMs += (Math.min(tookMs, stallMs / 2) - this.usualMs) / 16
    if (tookMs <= lateMs) this.#count(0)
    else if (tookMs < stallMs) this.#count(-1 / latePerStall)
    else if (isItsOwn) this.#count(1)
  }

  #count(stalls: number): void {
    this.#stallRatio += (stalls - this.#stallRatio) / rememberedRuns
    if (this.#stallRatio > unevenRatio) this.#isUneven = true
    else if (this.#stallRatio < evenRatio) this.#isUneven = false
  }
}
