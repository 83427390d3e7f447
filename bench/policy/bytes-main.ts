// Prints what an entry takes in memory: `node --expose-gc bytes-main.ts hotpath|lru-cache`. A process
// for each, because what one leaves in the heap would be counted to the other.
import { LRUCache } from 'lru-cache'
import { SlotStore } from '../../src/memo/index.ts'

const entries = 100_000
const name = process.argv[2]

const before = usedBytes()
const kept = name === 'hotpath' ? fillOwn() : fillLru()
const bytes = (usedBytes() - before) / entries
if (kept.size !== entries) throw new Error(`${kept.size} entries, not ${entries}`)
console.log(bytes)

function fillOwn() {
  const store = new SlotStore<number>({ maxEntries: entries })
  churn((key, value) => {
    store.find(key)
    store.set(key, value, 0)
  })
  return store
}

function fillLru() {
  const cache = new LRUCache<string, number>({ max: entries })
  churn((key, value) => {
    cache.get(key)
    cache.set(key, value)
  })
  return cache
}

/** Three times what there is room for: there are ghosts, and tables that have grown. */
function churn(set: (key: string, value: number) => void): void {
  for (let at = 0; at < 3 * entries; at++) set(`article:${at}`, at)
}

function usedBytes(): number {
  const { gc } = globalThis
  if (gc === undefined) throw new Error('run me with --expose-gc')
  gc()
  gc()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
