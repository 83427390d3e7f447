/** Chance that can be repeated. */
export interface Random {
  /** A number from 0 up to, but not, 1. */
  next(): number
  /** A whole number from 0 up to, but not, `limit`. */
  below(limit: number): number
}

/** Mulberry32: 32 bits of state, the same sequence for the same seed on every machine. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const random: Random = {
    next() {
      state = (state + 0x6d2b79f5) >>> 0
      let bits = Math.imul(state ^ (state >>> 15), state | 1)
      bits = (bits + Math.imul(bits ^ (bits >>> 7), bits | 61)) ^ bits
      return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
    },
    below: (limit) => Math.floor(random.next() * limit),
  }
  return random
}
