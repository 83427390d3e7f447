import { type Attempt, type Circuit, type Clock, isReply, type RedisLike } from '../core/index.ts'
import type { Bus } from './bus.ts'
import { encodeTombstone } from './envelope.ts'
import type { Fresh } from './memory-tier.ts'
import type { Serializer } from './options.ts'
import type { RedisDebt, RedisDebts } from './redis-debts.ts'
import { encodeRecord, redisTtl, type RedisRecords } from './redis-records.ts'
import { everyTag, type RedisTags } from './redis-tags.ts'
import { compressValue, encodeValue, type EncodedValue } from './value-codec.ts'

/** What {@link RedisWrites} work with. */
export interface RedisWritesParts {
  readonly redis: RedisLike
  readonly clock: Clock
  readonly circuit: Circuit
  readonly bus: Bus | undefined
  readonly debts: RedisDebts
  readonly tags: RedisTags
  readonly records: RedisRecords
  readonly serializer: Serializer
  readonly compressMinBytes: number | false
  /** How long it is remembered that something was written, for loads that began before. */
  readonly markTtlMs: number
  readonly onTrouble: (operation: string, error: unknown) => void
}

/** A value on its way, and what is owed until it has arrived. */
interface Setting {
  readonly fresh: Fresh
  readonly value: EncodedValue
  readonly tombstone: RedisDebt
}

/**
 * What makes values in Redis outdated. Each of these is owed from the moment it is called until
 * Redis has taken it, and the other processes are told in the same go.
 */
export class RedisWrites {
  writes = 0
  readonly #parts: RedisWritesParts

  constructor(parts: RedisWritesParts) {
    this.#parts = parts
  }

  // Not an async function, so that what cannot be sent is refused before anything is written.
  set(entries: readonly (readonly [key: string, fresh: Fresh])[]): Promise<void> {
    const { serializer } = this.#parts
    const settings = entries.map(([key, fresh]) => {
      return { fresh, value: encodeValue(fresh.value, serializer), tombstone: this.#tombstone(key) }
    })
    return settings.length === 0 ? Promise.resolve() : this.#set(settings)
  }

  async delete(key: string): Promise<void> {
    await this.#pay('delete', [this.#tombstone(key)])
  }

  async invalidate(names: readonly string[]): Promise<void> {
    const { tags, markTtlMs } = this.#parts
    const debts = [everyTag, ...names].map((name) => tags.invalidation(name, markTtlMs))
    await this.#pay('invalidate', debts)
  }

  async expire(names: readonly string[]): Promise<void> {
    const { tags, clock, markTtlMs } = this.#parts
    const epochMs = clock.epochMs()
    const everything = tags.invalidation(everyTag, markTtlMs)
    const debts = names.map((name) => tags.expiry(name, markTtlMs, epochMs))
    await this.#pay('expire', [everything, ...debts])
  }

  async #set(settings: readonly Setting[]): Promise<void> {
    const { circuit, clock, debts, compressMinBytes, onTrouble } = this.#parts
    const owed = settings.map(({ tombstone }) => tombstone)
    debts.add(owed, clock.epochMs())
    const values = await Promise.all(
      settings.map(({ value }) => compressValue(value, compressMinBytes)),
    )
    const isDone = await circuit.run('set', async (attempt) => {
      try {
        return await this.#write(settings, values, attempt)
      } catch (error) {
        if (!isReply(error)) throw error
        // Redis is full, and what stands there, if anything, are the values from before.
        onTrouble('set', error)
        await debts.pay(owed)
        return true
      }
    })
    if (isDone !== true) circuit.trip()
  }

  async #write(
    settings: readonly Setting[],
    values: readonly EncodedValue[],
    attempt: Attempt,
  ): Promise<boolean> {
    const { redis, clock, bus, debts, tags } = this.#parts
    const names = new Set(settings.flatMap(({ fresh }) => fresh.tags ?? []))
    const loadedEpochMs = clock.epochMs()
    const states = await tags.states([...names])
    // The tombstones are owed to Redis by now, and nothing may be written over what follows them.
    if (attempt.isOver) return false
    const written = settings.map(({ fresh, value, tombstone }, index) => {
      const versioned = tags.versioned(fresh.tags ?? [], states)
      const bytes = values[index] ?? value
      const record = encodeRecord(fresh, bytes, versioned, loadedEpochMs, clock.epochMs())
      return redis.set(tombstone.key, record, { ttlMs: redisTtl(fresh) })
    })
    const told = bus?.announce(settings.flatMap(({ tombstone }) => tombstone.notice ?? []))
    await Promise.all([...written, told])
    for (const { tombstone } of settings) debts.settle(tombstone)
    this.writes += settings.length
    return true
  }

  #tombstone(key: string): RedisDebt {
    const { redis, records, markTtlMs: ttlMs } = this.#parts
    const valueKey = records.keyOf(key)
    const bytes = encodeTombstone()
    return {
      key: valueKey,
      write: () => redis.set(valueKey, bytes, { ttlMs }),
      notice: { kind: 'written', name: key },
    }
  }

  async #pay(operation: string, owed: readonly RedisDebt[]): Promise<void> {
    const { circuit, clock, debts } = this.#parts
    debts.add(owed, clock.epochMs())
    const isPaid = await circuit.run(operation, async () => {
      await debts.pay(owed)
      return true
    })
    if (isPaid !== true) circuit.trip()
  }
}
