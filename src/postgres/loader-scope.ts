import type { Timer } from '../core/index.ts'
import { Batch, Entry, type BatchFunction } from './loader-batch.ts'
import { nameOfKey, type KeyName } from './loader-key.ts'
import type { ResolvedLoaderOptions } from './loader-options.ts'

/**
 * The part of a loader that belongs to one request. While a batch is on its way to the database, keys
 * gather for the next, which leaves when it returns: so callers who wait for one key after the other
 * come into step with each other.
 */
export class LoaderScope<Key, Value> {
  readonly #run: BatchFunction<Key, Value>
  readonly #options: ResolvedLoaderOptions
  /** Values outlive their batch. */
  readonly #keeps: boolean
  readonly #entries = new Map<KeyName, Entry<Key, Value>>()
  #gathering: Batch<Key, Value> | undefined
  #departure: 'none' | 'waits' | 'soon' = 'none'
  #deadline: Timer | undefined
  #underWay = 0

  constructor(run: BatchFunction<Key, Value>, options: ResolvedLoaderOptions, keeps: boolean) {
    this.#run = run
    this.#options = options
    this.#keeps = keeps
  }

  async load(key: Key, signal: AbortSignal | undefined): Promise<Value> {
    const name = nameOfKey(key)
    signal?.throwIfAborted()
    const known = this.#entries.get(name)
    const entry = known ?? new Entry<Key, Value>(key, name)
    entry.waiting++
    if (known === undefined) this.#gather(entry)
    if (signal === undefined) return entry.answer.promise
    return waitUnlessAborted(entry, signal, () => this.#forget(entry))
  }

  prime(key: Key, value: Value): void {
    const entry = new Entry<Key, Value>(key, nameOfKey(key))
    entry.answer.resolve(value)
    this.#keep(entry)
  }

  clear(key: Key): void {
    this.#entries.delete(nameOfKey(key))
  }

  clearAll(): void {
    this.#entries.clear()
  }

  #gather(entry: Entry<Key, Value>): void {
    this.#gathering ??= new Batch()
    this.#gathering.add(entry)
    this.#keep(entry)
    if (this.#gathering.entries.length >= this.#options.maxBatch) this.#leave()
    else this.#planDeparture()
  }

  #planDeparture(): void {
    if (this.#departure === 'soon') return
    if (this.#underWay === 0) {
      this.#leaveSoon()
    } else if (this.#departure === 'none') {
      this.#departure = 'waits'
      this.#deadline = this.#options.clock.after(this.#options.maxWaitMs, () => this.#leave())
    }
  }

  // Not at the end of this tick but of this turn of the event loop: by then everybody has asked whom
  // the same read from the socket has woken.
  #leaveSoon(): void {
    this.#departure = 'soon'
    this.#deadline?.cancel()
    const batch = this.#gathering
    setImmediate(() => {
      if (this.#gathering === batch) this.#leave()
    })
  }

  #leave(): void {
    const batch = this.#gathering
    this.#deadline?.cancel()
    this.#gathering = undefined
    this.#departure = 'none'
    if (batch === undefined) return
    // Whoever asks from now on, outside of a request, may ask because of a write that came after.
    if (!this.#keeps) for (const entry of batch.entries) this.#forget(entry)
    this.#underWay++
    void batch.run(this.#run).then((failed) => {
      for (const entry of failed) this.#forget(entry)
      this.#underWay--
      if (this.#gathering !== undefined) this.#leaveSoon()
    })
  }

  #keep(entry: Entry<Key, Value>): void {
    this.#entries.delete(entry.name)
    this.#entries.set(entry.name, entry)
    if (this.#entries.size <= this.#options.maxEntries) return
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest)
      break
    }
  }

  #forget(entry: Entry<Key, Value>): void {
    if (this.#entries.get(entry.name) === entry) this.#entries.delete(entry.name)
  }
}

function waitUnlessAborted<Key, Value>(
  entry: Entry<Key, Value>,
  signal: AbortSignal,
  forget: () => void,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      reject(signal.reason)
      entry.waiting--
      if (entry.waiting > 0) return
      // Its query may be cancelled now: who asks for the key again needs another.
      forget()
      entry.batch?.gaveUp()
    }
    signal.addEventListener('abort', abort, { once: true })
    entry.answer.promise
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort))
  })
}
