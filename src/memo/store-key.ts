import type { KeyNode } from './argument-tree.ts'

/** What entries are found by: values that a `Map` tells apart, `1` from `'1'` too. */
export type StoreKey = string | number | bigint | boolean

/** The key of a memoised call: of a single primitive the primitive itself, else a node of a tree. */
export type CallKey = StoreKey | KeyNode

const hashedEnds = 32
const numberSeed = 0x5bd1e995
const bigintSeed = 0x1b873593
const textSeed = 0x2545f491
const float = new Float64Array(1)
const halves = new Int32Array(float.buffer)

/**
 * 32 bits by which a key that has left is recognised. Two keys with the same bits cost a wrong guess
 * about which of them will be asked for again, and nothing else: so a long text is told by its ends.
 */
export function hashOf(key: unknown): number {
  if (typeof key === 'string') return hashOfText(key)
  if (typeof key === 'number') {
    if ((key | 0) === key) return mix(numberSeed, key)
    float[0] = key
    return mix(mix(numberSeed, halves[0] as number), halves[1] as number)
  }
  if (typeof key === 'bigint') return mix(bigintSeed, Number(BigInt.asIntN(32, key)))
  return key === true ? 1 : 2
}

export function mix(hash: number, bits: number): number {
  const mixed = Math.imul(hash ^ bits, 0x9e3779b1)
  return mixed ^ (mixed >>> 15)
}

function hashOfText(text: string): number {
  const { length } = text
  let hash = length
  const isLong = length > 2 * hashedEnds
  const headEnd = isLong ? hashedEnds : length
  for (let at = 0; at < headEnd; at++) hash = Math.imul(hash, 31) + text.charCodeAt(at)
  for (let at = isLong ? length - hashedEnds : length; at < length; at++) {
    hash = Math.imul(hash, 31) + text.charCodeAt(at)
  }
  return mix(textSeed, hash)
}
