import { channel } from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import { eventChannel, listen } from './events.ts'

const loads = eventChannel('hotpath:cache:load')
const payload = { cache: 'users', key: '1', durationMs: 2, error: undefined, isRefresh: false }

test('a channel knows whether anybody listens', () => {
  expect(loads.hasSubscribers).toBe(false)
  const stop = listen('hotpath:cache:load', () => {})
  expect(loads.hasSubscribers).toBe(true)
  stop()
  expect(loads.hasSubscribers).toBe(false)
})

test('every listener gets the payload itself, until it stops', () => {
  const heard: unknown[] = []
  const stops = [1, 2].map((listener) =>
    listen('hotpath:cache:load', (event) => heard.push([listener, event])),
  )
  loads.publish(payload)
  expect(heard).toEqual([
    [1, payload],
    [2, payload],
  ])
  expect((heard[0] as unknown[])[1]).toBe(payload)
  stops[0]?.()
  stops[0]?.()
  loads.publish(payload)
  expect(heard).toHaveLength(3)
  stops[1]?.()
})

test('a channel is node:diagnostics_channel under its own name, and hears no other', () => {
  const heard: unknown[] = []
  const listener = (event: unknown, name: string | symbol) => void heard.push([name, event])
  channel('hotpath:cache:load').subscribe(listener)
  loads.publish(payload)
  eventChannel('hotpath:cache:trouble').publish({ cache: 'a', operation: 'get', error: undefined })
  channel('hotpath:cache:load').unsubscribe(listener)
  expect(heard).toEqual([['hotpath:cache:load', payload]])
})
