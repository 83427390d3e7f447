import { expect, test } from 'vitest'
import { LatencyTarget } from './latency-target.ts'

test('twice the least median is too slow', () => {
  const target = new LatencyTarget(undefined)
  expect(target.judge(20, 10)).toEqual({ gradient: 1 })
  expect(target.judge(40, 10)).toEqual({ gradient: 1 })
  expect(target.judge(80, 10)).toEqual({ gradient: 0.5 })
})

test('what a timer cannot tell apart is no difference', () => {
  const target = new LatencyTarget(undefined)
  target.judge(1, 10)
  expect(target.judge(6, 10)).toEqual({ gradient: 1 })
})

test('a latency that falls with the limit comes from a queue', () => {
  const target = new LatencyTarget(undefined)
  target.judge(10, 100)
  expect(target.judge(100, 100).gradient).toBe(0.2)
  expect(target.judge(50, 50).gradient).toBe(0.4)
  expect(target.judge(25, 25).gradient).toBe(0.8)
  expect(target.judge(20, 20).gradient).toBe(1)
})

test('one that stays with half the limit is the usual one from then on, and the limit is restored', () => {
  const target = new LatencyTarget(undefined)
  target.judge(10, 100)
  target.judge(100, 100)
  expect(target.judge(95, 50)).toEqual({ gradient: 1, restoredLimit: 100 })
  expect(target.judge(150, 100)).toEqual({ gradient: 1 })
})

test('what the app names is kept to', () => {
  const target = new LatencyTarget(50)
  expect(target.judge(50, 100).gradient).toBe(1)
  expect(target.judge(100, 100).gradient).toBe(0.5)
  expect(target.judge(100, 50).gradient).toBe(0.5)
})
