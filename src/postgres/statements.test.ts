import { expect, test } from 'vitest'
import { Statements } from './statements.ts'

test('a text is prepared from its second use on, always under the same name', () => {
  const statements = new Statements(10, () => {})
  expect(statements.find('select 1').name).toBeUndefined()
  const { name } = statements.find('select 1')
  expect(name).toMatch(/^hotpath_\d+$/)
  expect(statements.find('select 1').name).toBe(name)
  statements.find('select 2')
  expect(statements.find('select 2').name).not.toBe(name)
})

test('the least recently used text makes room, and its name is given back', () => {
  const forgotten: string[] = []
  const statements = new Statements(2, (name) => forgotten.push(name))
  statements.find('select 1')
  const { name } = statements.find('select 1')
  statements.find('select 2')
  statements.find('select 1')
  statements.find('select 3') // 2 goes: it was never prepared
  expect(forgotten).toEqual([])
  statements.find('select 3')
  statements.find('select 4') // 1 goes
  expect(forgotten).toEqual([name])
  expect(statements.find('select 1').name).toBeUndefined()
})

test('nothing is prepared when that is switched off, nor what cannot be', () => {
  const off = new Statements(false, () => {})
  off.find('select 1')
  expect(off.find('select 1').name).toBeUndefined()
  const on = new Statements(10, () => {})
  on.find('vacuum')
  expect(on.find('vacuum').name).toBeUndefined()
})

test('a text of megabytes is not remembered', () => {
  const statements = new Statements(10, () => {})
  const text = `select '${'x'.repeat(1_000_000)}'`
  expect(statements.find(text)).not.toBe(statements.find(text))
})
