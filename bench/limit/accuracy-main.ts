// A process that keeps asking for the same keys, and writes down each use that is let through, before
// it asks again: what is written stays written, however the process ends.
import { openSync, writeSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fromNodeRedis } from 'hotpath'
import { createLimiter } from 'hotpath/limit'
import { createClient } from 'redis'
import { nowMs, writeAdmission, type AccuracyWork } from './accuracy-log.ts'

const { url, name, policy, keys, file, clockAheadMs } = JSON.parse(
  process.argv[2] ?? '',
) as AccuracyWork

const systemNow = Date.now
Date.now = () => systemNow() + clockAheadMs

const callers = 16
const log = openSync(file, 'a')
const client = await createClient({ url }).connect()
// A decision without Redis would be one by other rules: a process that is slow waits here.
const limiter = createLimiter(policy, {
  name,
  redis: fromNodeRedis(client),
  redisTimeoutMs: 10_000,
  onStoreError: 'deny',
  maxKeys: 1_000,
})

process.on('message', (untilMs: number) => {
  void Promise.all(Array.from({ length: callers }, () => ask(untilMs))).then(async () => {
    await limiter.close()
    client.destroy()
    process.disconnect?.()
  })
})
process.send?.('ready')

let asked = 0

async function ask(untilMs: number): Promise<void> {
  for (let askedMs = nowMs(); askedMs < untilMs; askedMs = nowMs()) {
    const key = asked++ % keys
    const decision = await limiter.take(`key ${key}`)
    if (decision.isAllowed) writeSync(log, writeAdmission(key, { askedMs, heardMs: nowMs() }))
    if (asked % 256 === 0) await nextTurn()
  }
}
