import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TagTable } from './tags.ts'

// The table of numbers, held against what it stands for: an object for each tag, in a Map.

interface Tag {
  referrers: number
  invalidatedAt: number
  expiredAt: number
  expiredMs: number
}

class PlainTags {
  step = 0
  readonly tags = new Map<string, Tag>()
  /** Everything that was changed while somebody watched. */
  readonly recent: { readonly name: string; readonly step: number }[] = []
  watchers = 0

  refer(names: readonly string[]): void {
    for (const name of names) {
      const known = this.tags.get(name)
      if (known === undefined) {
        this.tags.set(name, { referrers: 1, invalidatedAt: 0, expiredAt: 0, expiredMs: 0 })
      } else known.referrers++
    }
  }

  release(names: readonly string[]): void {
    for (const name of names) {
      const tag = this.#tag(name)
      if (--tag.referrers === 0) this.tags.delete(name)
    }
  }

  change(names: readonly string[], change: (tag: Tag) => void): void {
    this.step++
    for (const name of names) {
      const tag = this.tags.get(name)
      if (tag !== undefined) change(tag)
      if (this.watchers > 0) this.recent.push({ name, step: this.step })
    }
  }

  unwatch(): void {
    if (--this.watchers === 0) this.recent.length = 0
  }

  wereChanged(names: readonly string[], since: number): boolean {
    return this.recent.some(({ name, step }) => names.includes(name) && step > since)
  }

  areInvalidated(names: readonly string[], since: number): boolean {
    return names.some((name) => this.#tag(name).invalidatedAt > since)
  }

  areChanged(names: readonly string[], since: number): boolean {
    return this.areInvalidated(names, since) || this.expiredSinceMs(names, since) !== Infinity
  }

  expiredSinceMs(names: readonly string[], since: number): number {
    const expired = names
      .map((name) => this.#tag(name))
      .filter(({ expiredAt }) => expiredAt > since)
    return Math.min(Infinity, ...expired.map(({ expiredMs }) => expiredMs))
  }

  #tag(name: string): Tag {
    const tag = this.tags.get(name)
    if (tag === undefined) throw new Error(`nobody refers to ${name}`)
    return tag
  }
}

/** An entry, or a running load. */
interface Holder {
  readonly names: string[]
  readonly ids: number[]
  readonly step: number
}

// Enough for the arrays to grow twice, and so few that ids come and go.
const name = fc.integer({ min: 0, max: 139 }).map((number) => `tag-${number}`)
const names = (maxLength: number) => fc.array(name, { maxLength })
const pick = fc.nat()

const operation = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('refer'), names: names(40), pick }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('referNew'), names: names(12), pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('retain'), names: names(0), pick }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('release'), names: names(0), pick }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('invalidate'), names: names(5), pick }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('expire'), names: names(5), pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('watch'), names: names(0), pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unwatch'), names: names(0), pick }) },
)

test('says of tags what a Map of objects would, while ids come, go and come again', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 80 }), name, (operations, asked) => {
      const table = new TagTable()
      const oracle = new PlainTags()
      const holders: Holder[] = []
      const watchSteps: number[] = []

      const hold = (held: readonly string[], ids: readonly number[], step = table.step) =>
        holders.push({ names: [...held], ids: [...ids], step })

      const run = ({ do: kind, names: given, pick: index }: (typeof operations)[number]) => {
        const at = index % Math.max(holders.length, 1)
        const holder = holders[at]
        if (kind === 'refer') {
          oracle.refer(given)
          hold(given, table.refer(given) ?? [])
        } else if (kind === 'referNew' && holder !== undefined) {
          const fresh = [...new Set(given)].filter((one) => !holder.names.includes(one))
          expect(table.referNew(given, holder.ids, holder.names)).toEqual(fresh)
          oracle.refer(fresh)
          holder.names.push(...fresh)
        } else if (kind === 'retain' && holder !== undefined) {
          oracle.refer(holder.names)
          hold(holder.names, table.retain(holder.ids), holder.step)
        } else if (kind === 'release' && holder !== undefined) {
          oracle.release(holder.names)
          table.release(holder.ids)
          holders.splice(at, 1)
        } else if (kind === 'invalidate') {
          oracle.change(given, (tag) => (tag.invalidatedAt = oracle.step))
          table.invalidate(given)
        } else if (kind === 'expire') {
          oracle.change(given, (tag) => {
            tag.expiredAt = oracle.step
            tag.expiredMs = index
          })
          table.expire(given, index)
        } else if (kind === 'watch') {
          oracle.watchers++
          table.watch()
          watchSteps.push(table.step)
        } else if (kind === 'unwatch' && watchSteps.length > 0) {
          oracle.unwatch()
          table.unwatch()
          watchSteps.splice(index % watchSteps.length, 1)
        }
      }

      for (const operation of operations) {
        run(operation)
        expect(table.step).toBe(oracle.step)
        expect(table.size).toBe(oracle.tags.size)
        for (const { names: held, ids, step: begun } of holders) {
          expect(new Set(ids).size).toBe(new Set(held).size)
          for (const step of [begun, Math.floor(begun / 2)]) {
            expect(table.areChanged(ids, step)).toBe(oracle.areChanged(held, step))
            expect(table.areInvalidated(ids, step)).toBe(oracle.areInvalidated(held, step))
            expect(table.expiredSinceMs(ids, step)).toBe(oracle.expiredSinceMs(held, step))
          }
        }
        for (const step of watchSteps) {
          const some = [asked, ...operation.names.slice(0, 1)]
          expect(table.wereChanged(some, step)).toBe(oracle.wereChanged(some, step))
        }
      }
      for (const { ids } of holders) table.release(ids)
      expect(table.size).toBe(0)
    }),
    { numRuns: 150 },
  )
})

test('two names of one hash are one tag here, and two to those who are told of them', () => {
  const table = new TagTable()
  const [one, other] = namesOfOneHash(table)
  const ids = table.refer([one]) ?? []
  const { step } = table
  expect(table.referNew([other, one, other], ids, [one])).toEqual([other])
  table.invalidate([other])
  expect(table.areChanged(ids, step)).toBe(true)
  table.release(ids)
  expect(table.size).toBe(0)
})

// Some twenty pairs are among 400,000 names.
function namesOfOneHash(table: TagTable): [one: string, other: string] {
  const namesById = new Map<number, string>()
  let found: [string, string] | undefined
  for (let number = 0; found === undefined; number++) {
    const name = `user:${number}`
    const id = table.refer([name])?.[0] ?? 0
    const other = namesById.get(id)
    if (other !== undefined) found = [other, name]
    namesById.set(id, name)
    if (other !== undefined) table.release([id])
  }
  table.release([...namesById.keys()])
  return found
}
