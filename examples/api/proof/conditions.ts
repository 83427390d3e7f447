import { settings } from '../settings.ts'
import type { Cores } from './cores.ts'
import type { Database } from './database.ts'
import { mixShares, zipfExponent } from './load/mix.ts'
import { describeRedisTier, type RedisTier } from './redis-tier.ts'

/** What the proof ran with. */
export interface Setting {
  readonly versions: Readonly<Record<string, string>>
  readonly database: Database
  readonly redis: RedisTier | undefined
  readonly cores: Cores | undefined
  readonly rounds: number
}

/** What a reader needs to judge the figures, as name and value. */
export function conditionsOf(setting: Setting): [name: string, value: string][] {
  const { versions, database, redis, cores, rounds } = setting
  const shares = Object.entries(mixShares).map(([route, share]) => `${share} % ${route}`)
  const minutes = (ms: number) => `${ms / 60_000} min`
  return [
    [
      'Versions',
      Object.entries(versions)
        .map((pair) => pair.join(' '))
        .join(', '),
    ],
    ['Database', database.place],
    ['Redis tier', describeRedisTier(redis)],
    ['Mixed load', shares.join(', ')],
    ['Popularity', `zipf, exponent ${zipfExponent}: by views, reputation, and questions of a tag`],
    [
      'Caches',
      `${settings.maxCacheEntries.toLocaleString('en-US')} responses, TTL ${minutes(settings.ttlMs)} (tag statistics ${minutes(settings.tagStatsTtlMs)}), in the usual and the hotpath build`,
    ],
    [
      'Limits',
      `${settings.dataPerMinute} a minute of /api/data, ${settings.tagStatsPerMinute} of each route under /api/stats and ${settings.writesPerMinute} of each route that writes, in the usual and the hotpath build; for each address but, on the costly routes, this machine's, where the load comes from`,
    ],
    ['Pool', `at most ${settings.maxConnections} connections, in the usual and the hotpath build`],
    [
      'Cores',
      cores === undefined
        ? 'not divided: servers, load and PostgreSQL share them'
        : `${cores.server} for the server under load, ${cores.rest} for the load; PostgreSQL runs on any`,
    ],
    [
      'Rounds',
      `at least ${rounds} of each build, interleaved, and one of naive under the mixed load; the figures are medians of them`,
    ],
  ]
}
