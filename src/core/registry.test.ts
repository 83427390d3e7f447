import { afterEach, expect, test, vi } from 'vitest'
import { components, register } from './registry.ts'

const leaving: (() => void)[] = []
afterEach(() => {
  for (const leave of leaving.splice(0)) leave()
})

function add(...values: Parameters<typeof register>): () => void {
  const leave = register(...values)
  leaving.push(leave)
  return leave
}

const names = () => components().map(({ kind, name }) => `${kind} ${name}`)

test('living components are listed in the order of their making, with live figures', () => {
  let hits = 0
  add('cache', 'users', () => ({ hits }))
  add('pool', 'main', () => ({ idle: 2 }))
  expect(names()).toEqual(['cache users', 'pool main'])
  hits = 7
  expect(components().map(({ stats }) => stats())).toEqual([{ hits: 7 }, { idle: 2 }])
})

test('a second component of the same name gets a number; one of another kind does not', () => {
  for (let i = 0; i < 3; i++) add('cache', 'users', () => ({}))
  add('pool', 'users', () => ({}))
  expect(names()).toEqual(['cache users', 'cache users-2', 'cache users-3', 'pool users'])
})

test('a name is free again once its component has left, and leaving twice harms nobody', () => {
  const leave = add('cache', 'users', () => ({ generation: 1 }))
  leave()
  expect(components()).toEqual([])
  add('cache', 'users', () => ({ generation: 2 }))
  leave()
  expect(components().map(({ stats }) => stats())).toEqual([{ generation: 2 }])
})

test('the list is a copy', () => {
  add('cache', 'users', () => ({}))
  components().pop()
  expect(names()).toEqual(['cache users'])
})

test('two copies of the package in one process share one list', async () => {
  vi.resetModules()
  const twin = await import('./registry.ts')
  expect(twin.register).not.toBe(register)
  leaving.push(twin.register('cache', 'users', () => ({})))
  add('cache', 'users', () => ({}))
  expect(names()).toEqual(['cache users', 'cache users-2'])
  expect(twin.components()).toEqual(components())
})
