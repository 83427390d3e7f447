import { expect, test } from 'vitest'
import { parseCacheControl } from './cache-control.ts'
import { freshnessOf } from './freshness.ts'
import type { ResponseHeaders } from './header-rules.ts'

const nowMs = Date.UTC(2026, 0, 1)
const at = (secondsFromNow: number) => new Date(nowMs + secondsFromNow * 1_000).toUTCString()

test.each<[ResponseHeaders, ageMs: number, freshMs: number | undefined]>([
  [{}, 0, undefined],
  [{ 'cache-control': 'max-age=60' }, 0, 60_000],
  // What another cache has kept already is younger by that.
  [{ 'cache-control': 'max-age=60', age: '20' }, 20_000, 40_000],
  [{ 'cache-control': 'max-age=60', age: 20 }, 20_000, 40_000],
  [{ 'cache-control': 'max-age=60', age: '20, 50' }, 20_000, 40_000],
  [{ 'cache-control': 'max-age=60', age: '-5' }, 0, 60_000],
  [{ 'cache-control': 'max-age=60', age: 'old' }, 0, 60_000],
  [{ 'cache-control': 'max-age=60', age: '90' }, 90_000, -30_000],
  [{ 'cache-control': 'max-age=60', date: at(-15) }, 15_000, 45_000],
  [{ 'cache-control': 'max-age=60', date: at(-15), age: '20' }, 20_000, 40_000],
  [{ 'cache-control': 'max-age=60', date: at(15) }, 0, 60_000],
  [{ 'cache-control': 'max-age=60', date: 'yesterday' }, 0, 60_000],
  [{ age: '20' }, 20_000, undefined],
  [{ expires: at(5) }, 0, 5_000],
  [{ expires: at(5), date: at(-10) }, 10_000, 5_000],
  [{ expires: at(5), 'cache-control': 'max-age=9' }, 0, 9_000],
  [{ expires: at(-5) }, 0, -5_000],
  [{ expires: '0' }, 0, -Infinity],
  [{ expires: '-1' }, 0, -Infinity],
  [{ expires: 'Thursday, 01-Jan-26 00:00:05 GMT' }, 0, 5_000],
  [{ expires: 'Thu Jan  1 00:00:05 2026' }, 0, 5_000],
  [{ expires: [at(5), at(9)] }, 0, 5_000],
])('%j', (headers, ageMs, freshMs) => {
  const control = parseCacheControl(headers['cache-control'])
  expect(freshnessOf(control, headers, nowMs)).toEqual({ ageMs, freshMs })
})
