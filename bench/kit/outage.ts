import { setTimeout as pause } from 'node:timers/promises'
import type { RedisServer } from '@hotpath/services'
import type { OutageWorkload } from './bench.ts'
import type { ContenderProcess } from './contender.ts'
import type { Sample } from './figures.ts'

/** Breaks Redis under the callers of a contender, and brings it back. */
export async function measureOutage(
  { fault, beforeMs, outageMs, afterMs }: OutageWorkload,
  contender: ContenderProcess,
  redis: RedisServer,
): Promise<Sample> {
  await contender.outage('begin')
  await pause(beforeMs)
  await contender.outage('broken')
  if (fault === 'kill') await redis.kill()
  else await redis.freeze()
  await pause(outageMs)
  if (fault === 'kill') await redis.restart()
  else await redis.thaw()
  await contender.outage('back')
  await Promise.all([contender.outage('recover'), pause(afterMs)])
  return (await contender.outage('end')) as Sample
}
