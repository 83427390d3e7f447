import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { ListedBatch } from './row-batch.ts'
import { RowIterator } from './row-iterator.ts'
import type { Batches } from './row-steps.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

test('rows that have been taken are not held while the next ones are on their way', async () => {
  let first: WeakRef<readonly string[]> | undefined
  let isHeld = true
  const places = [
    { line: 1, byteOffset: 0 },
    { line: 2, byteOffset: 2 },
  ]
  const end = { line: 3, byteOffset: 4 }
  // No generator: one may itself hold what it has yielded last.
  const next = async () => {
    if (first === undefined) {
      const rows = ['a', 'b']
      first = new WeakRef(rows)
      return { done: false as const, value: new ListedBatch(rows, places, end) }
    }
    // A reference that was made in this turn is kept until its end.
    await turnOfTheLoop()
    collectGarbage()
    isHeld = first.deref() !== undefined
    return { done: true as const, value: undefined }
  }
  const rows: string[] = []
  for await (const row of new RowIterator({ next } as Batches<string>)) rows.push(row)
  expect(rows).toEqual(['a', 'b'])
  expect(isHeld).toBe(false)
})
