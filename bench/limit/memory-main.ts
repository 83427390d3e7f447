// Prints what ten million keys do to a limiter, as one line of JSON: `node memory-main.ts NAME KEYS`. In
// a process of its own, whose memory is measured from outside of the heap as well.
//
// Every key is used three times, in three passes, at two uses a day: the first two are to be let
// through, the third is not. A limiter that forgets a key lets its third use through; one that takes
// two keys for the same refuses a second.
import { createLimiter } from 'hotpath/limit'

const [, , name = 'hotpath', keyText = '10000000'] = process.argv
const keyCount = Number(keyText)
const perDay = 2
const dayMs = 86_400_000
const chunk = 100

const take = await limiterOf(name)
// As many texts as will come, so that the heap has the size that they give it.
let characters = 0
for (let at = 0; at < 2_000_000; at++) characters += keyOf(at).length

const before = process.memoryUsage.rss()
let wronglyAllowed = 0
let wronglyRefused = 0
let longestPauseMs = 0
const startedMs = performance.now()
for (let pass = 0; pass < 3; pass++) {
  for (let from = 0; from < keyCount; from += chunk) {
    const chunkMs = performance.now()
    for (let at = from; at < from + chunk; at++) {
      const isAllowed = take(keyOf(at))
      if (pass < perDay && !isAllowed) wronglyRefused++
      if (pass >= perDay && isAllowed) wronglyAllowed++
    }
    longestPauseMs = Math.max(longestPauseMs, performance.now() - chunkMs)
  }
}
const decisions = 3 * keyCount
const grownBytes = process.memoryUsage.rss() - before
console.log(
  JSON.stringify({
    grownMb: grownBytes / 2 ** 20,
    bytesPerKey: grownBytes / keyCount,
    longestPauseMs,
    equalRatio: 1 - (wronglyAllowed + wronglyRefused) / decisions,
    falseDenialRatio: wronglyRefused / decisions,
    nsPerDecision: ((performance.now() - startedMs) * 1e6) / decisions,
    characters,
  }),
)
process.exit()

/** Addresses in no order, and made anew each time, as they come from sockets. */
function keyOf(at: number): string {
  const bits = Math.imul(at, 0x9e3779b1) >>> 0
  return `${bits >>> 24}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}.${bits & 255}`
}

async function limiterOf(wanted: string): Promise<(key: string) => boolean> {
  if (wanted === 'hotpath') {
    const limiter = createLimiter(`${perDay}/day`, { maxKeys: keyCount })
    return (key) => limiter.take(key).isAllowed
  }
  if (wanted === '@fastify/rate-limit') {
    const { default: LocalStore } = await import('@fastify/rate-limit/store/LocalStore.js')
    const store = new LocalStore(false, false, keyCount)
    return (key) => {
      let isAllowed = false
      store.incr(key, (_error, { current }) => (isAllowed = current <= perDay), dayMs, perDay)
      return isAllowed
    }
  }
  if (wanted === 'express-rate-limit') {
    const { MemoryStore } = await import('express-rate-limit')
    const store = new MemoryStore()
    store.init({ windowMs: dayMs } as never)
    // Its answer is a promise, for which nobody waits here: it is asked for its memory alone.
    return (key) => {
      void store.increment(key)
      return true
    }
  }
  const { RateLimiterMemory } = await import('rate-limiter-flexible')
  const limiter = new RateLimiterMemory({ points: perDay, duration: dayMs / 1_000 })
  return (key) => {
    limiter.consume(key).catch(() => {})
    return true
  }
}
