/**
 * How long the way to the server and back takes, from the quickest answers to queries that were sent
 * to an idle connection. What is slower than that is the query's own doing.
 */
export class RoundTrip {
  /** Milliseconds; 0 until something was measured. */
  usualMs = 0
  #isMeasured = false

  /** Falls at once and rises slowly: a slow answer is rarely the network's fault. */
  observe(answerMs: number): void {
    if (!this.#isMeasured || answerMs < this.usualMs) {
      this.usualMs = answerMs
      this.#isMeasured = true
    } else {
      this.usualMs += (answerMs - this.usualMs) / 1_024
    }
  }
}
