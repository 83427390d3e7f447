import { KeyHash } from './key-hash.ts'
import type { ResolvedPolicy } from './policy.ts'

// A bucket is 16 words of 32 bits, which is one cache line: the reading from which its debts count
// (low and high word), and seven slots of two words each. A slot has the upper 26 bits of the key's
// hash, as its fingerprint, and in the other 38 when its debt will be paid off, in ticks after the
// bucket's reading. There is nothing else: a slot whose time has come is free.
const bucketWords = 16
const slotsOfBucket = 7
const timeBits = 2 ** 32
const highTimeMask = 63
/** A bucket whose reading lies further back counts from now on instead. */
const maxDistanceTicks = 2 ** 37
/** Above this, keys that would have had room in the table begin to drive each other out. */
const fullRatio = 0.88

/** So many free slots in a key's first bucket, and its second is not looked at. */
const enoughFree = 4

const none = -1

interface Survey {
  readonly free: number
  readonly slot: number
  readonly debt: number
}

/**
 * What the keys of one policy owe, in memory that is taken once and never grows: 9.2 bytes a slot,
 * 10.4 for each key that there is to be room for. A key may stand in either of two buckets. Where
 * both are full of debts, the smallest of them is forgiven: a key that is throttled owes the most.
 */
export class DebtTable {
  readonly #policy: ResolvedPolicy
  readonly #bucketsPerHash: number
  readonly #words: Int32Array
  readonly #hash = new KeyHash()
  // Where `debtOf` has looked last: the two buckets, and the slot, if there was one, and its bucket.
  #first = 0
  #second = 0
  #slot = none
  #bucket = 0
  #low = 0
  #evictions = 0

  constructor(policy: ResolvedPolicy, maxKeys: number) {
    this.#policy = policy
    const buckets = Math.ceil(maxKeys / (slotsOfBucket * fullRatio))
    this.#bucketsPerHash = buckets / 2 ** 32
    this.#words = new Int32Array(buckets * bucketWords)
  }

  get byteLength(): number {
    return this.#words.byteLength
  }

  /** Keys that were forgotten with debts, because others owed more. */
  get evictions(): number {
    return this.#evictions
  }

  /** What a key owes at a reading. Remembers the place, for `owe`. */
  debtOf(key: string, reading: number): number {
    const hash = this.#hash
    hash.of(key)
    const { high, low } = hash
    this.#low = low
    const first = this.#bucketOf(high)
    this.#first = first
    this.#bucket = first
    this.#slot = this.#slotIn(first, low)
    if (this.#slot === none) {
      // The other bucket is chosen by both halves: keys that share one do not share the other.
      const second = this.#bucketOf(high ^ Math.imul(low | 1, 0x9e3779b1))
      this.#second = second
      this.#bucket = second
      this.#slot = this.#slotIn(second, low)
    }
    if (this.#slot === none) return 0
    return this.#debtAt(this.#slot, this.#distance(this.#bucket, reading))
  }

  /** Sets the debt of the key that `debtOf` was asked about last, at the same reading. */
  owe(reading: number, debtTicks: number): void {
    if (this.#slot === none) {
      if (debtTicks === 0) return
      this.#takeSlot(reading)
    }
    const bucket = this.#bucket
    let distance = this.#distance(bucket, reading)
    if (distance >= maxDistanceTicks) {
      this.#rebase(bucket, reading)
      distance = 0
    }
    this.#write(this.#slot, this.#low, debtTicks === 0 ? 0 : debtTicks + distance)
  }

  #bucketOf(hash: number): number {
    return (((hash >>> 0) * this.#bucketsPerHash) | 0) * bucketWords
  }

  #slotIn(bucket: number, low: number): number {
    const words = this.#words
    for (let at = bucket + 2; at < bucket + bucketWords; at += 2) {
      if ((((words[at] as number) ^ low) & ~highTimeMask) === 0) return at
    }
    return none
  }

  #debtAt(slot: number, distance: number): number {
    const debt = this.#until(slot) - distance
    return debt > 0 ? debt : 0
  }

  #until(slot: number): number {
    const words = this.#words
    return ((words[slot] as number) & highTimeMask) * timeBits + ((words[slot + 1] as number) >>> 0)
  }

  /** How far a reading lies after that from which the debts of a bucket count, in ticks. */
  #distance(bucket: number, reading: number): number {
    const words = this.#words
    const from = (words[bucket + 1] as number) * timeBits + ((words[bucket] as number) >>> 0)
    return (reading - from) * this.#policy.ticksPerReading
  }

  // What an array of 32 bits is given beyond them, it leaves out.
  #write(slot: number, low: number, until: number): void {
    const words = this.#words
    words[slot] = (low & ~highTimeMask) | (until / timeBits)
    words[slot + 1] = until
  }

  /** A free slot in the key's buckets, or that of the smallest debt in either. */
  #takeSlot(reading: number): void {
    const first = this.#survey(this.#first, reading)
    if (first.free >= enoughFree) {
      this.#slot = first.slot
      this.#bucket = this.#first
      return
    }
    const second = this.#survey(this.#second, reading)
    const isFull = first.free === 0 && second.free === 0
    if (isFull) this.#evictions++
    const isFirst = isFull ? first.debt <= second.debt : first.free >= second.free
    this.#slot = isFirst ? first.slot : second.slot
    this.#bucket = isFirst ? this.#first : this.#second
  }

  /** How many slots of a bucket are free, and the one whose debt is the smallest. */
  #survey(bucket: number, reading: number): Survey {
    const distance = this.#distance(bucket, reading)
    let free = 0
    let slot = bucket + 2
    let debt = Infinity
    for (let at = bucket + 2; at < bucket + bucketWords; at += 2) {
      const owed = this.#until(at) - distance
      if (owed <= 0) free++
      if (owed >= debt) continue
      debt = owed
      slot = at
    }
    return { free, slot, debt }
  }

  #rebase(bucket: number, reading: number): void {
    const words = this.#words
    const distance = this.#distance(bucket, reading)
    for (let at = bucket + 2; at < bucket + bucketWords; at += 2) {
      this.#write(at, words[at] as number, this.#debtAt(at, distance))
    }
    words[bucket] = reading
    words[bucket + 1] = reading / timeBits
  }
}
