import { randomInt } from 'node:crypto'

/**
 * A hash of 64 bits for texts, in two halves. Its seeds are drawn when the process starts, so that
 * nobody who chooses keys can know which of them meet in a table.
 *
 * Each half takes in two characters a step, as `(rotate(half, r) ^ characters) * m`. A difference
 * that one half carries along unchanged, the other, which turns by another angle, does not; both
 * are mixed into both results at the end.
 */
export class KeyHash {
  /** Of the last text: 32 bits, signed, because V8 keeps those without a box. */
  high = 0
  low = 0

  of(text: string): void {
    let a = seedA ^ text.length
    let b = seedB
    const pairs = text.length & ~1
    let at = 0
    for (; at < pairs; at += 2) {
      const characters = text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16)
      a = Math.imul(((a << 7) | (a >>> 25)) ^ characters, factorA)
      b = Math.imul(((b << 18) | (b >>> 14)) ^ characters, factorB)
    }
    if (at < text.length) {
      const character = text.charCodeAt(at)
      a = Math.imul(((a << 7) | (a >>> 25)) ^ character, factorA)
      b = Math.imul(((b << 18) | (b >>> 14)) ^ character, factorB)
    }
    this.high = mixed(a ^ (b >>> 15))
    this.low = mixed(b ^ Math.imul(a, factorC))
  }
}

const seedA = random32()
const seedB = random32()
const factorA = random32() | 1
const factorB = random32() | 1
const factorC = random32() | 1

/** The finaliser of MurmurHash3: every bit of the input may change every bit of the result. */
function mixed(half: number): number {
  let bits = half
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return bits ^ (bits >>> 16)
}

function random32(): number {
  return randomInt(2 ** 32) | 0
}
