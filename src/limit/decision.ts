/** What a limiter has decided about one use. */
export interface Decision {
  readonly isAllowed: boolean
  /**
   * The name of the policy that decides: the one that lets fewest uses through from now on, or that
   * has refused this one for longest.
   */
  readonly policy: string
  /** Uses of that policy that may come at once after a rest: its `burst`. */
  readonly limit: number
  /** Whole uses that may still come at once. */
  readonly remaining: number
  /**
   * How long to wait before a use of the same cost is let through, if nobody else uses the key: whole
   * milliseconds, never too few; 0 where this one is allowed, `Infinity` where it costs more than
   * `limit`.
   */
  readonly retryAfterMs: number
  /** How long until all of `limit` may come at once again, in whole milliseconds. */
  readonly resetMs: number
}
