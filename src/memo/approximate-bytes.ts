// What V8 takes for these on a 64-bit machine, rounded: near enough to hold a bound on memory.
const objectBytes = 32
const propertyBytes = 8
const numberBytes = 8
const stringBytes = 24

/**
 * What a value takes in memory, approximately: binary data exactly, texts at one byte a character
 * (V8 keeps Latin texts so), objects by what they hold. A value that two places refer to is counted
 * once.
 */
export function approximateBytes(value: unknown): number {
  const seen = new Seen()
  const pending: unknown[] = [value]
  let bytes = 0
  while (pending.length > 0) {
    const item = pending.pop()
    if (typeof item === 'string') bytes += stringBytes + item.length
    else if (typeof item === 'object' && item !== null) bytes += objectBytesOf(item, seen, pending)
    else bytes += numberBytes
  }
  return bytes
}

function objectBytesOf(item: object, seen: Seen, pending: unknown[]): number {
  if (!seen.add(item)) return 0
  if (ArrayBuffer.isView(item) || item instanceof ArrayBuffer) {
    return 2 * objectBytes + item.byteLength
  }
  if (item instanceof Map) {
    for (const [key, value] of item) pending.push(key, value)
    return objectBytes + item.size * 3 * propertyBytes
  }
  if (item instanceof Set) {
    for (const value of item) pending.push(value)
    return objectBytes + item.size * 3 * propertyBytes
  }
  const values: unknown[] = Object.values(item)
  for (const value of values) pending.push(value)
  return objectBytes + values.length * propertyBytes
}

const fewObjects = 8

/** Objects that were met already. Most values are made of a few: a list of them needs no table. */
class Seen {
  readonly #few: object[] = []
  #many: Set<object> | undefined = undefined

  /** False for one that was there. */
  add(item: object): boolean {
    if (this.#many === undefined) {
      if (this.#few.includes(item)) return false
      if (this.#few.length < fewObjects) {
        this.#few.push(item)
        return true
      }
      this.#many = new Set(this.#few)
    }
    if (this.#many.has(item)) return false
    this.#many.add(item)
    return true
  }
}
