import type { QueryResult } from 'pg'
import { expect, test } from 'vitest'
import { Functions } from './functions.ts'
import { readStatement } from './statement.ts'

type Answer = Parameters<ConstructorParameters<typeof Functions>[0]>[1]

/** Answers when the test says so. */
function server(writers: readonly string[]) {
  const asked: string[][] = []
  const answers: (() => void)[] = []
  const functions = new Functions((names, answer: Answer) => {
    asked.push([...names])
    const rows = names.map((name) => ({ name, writes: writers.includes(name) }))
    answers.push(() => answer(undefined, { rows } as unknown as QueryResult))
  })
  return { functions, asked, answer: () => answers.shift()?.() }
}

test('a text travels alone until the server has said that its functions do not write', () => {
  const { functions, asked, answer } = server(['note'])
  const [reading, writing] = [
    readStatement('select look(1)'),
    readStatement('select look(note(1))'),
  ]
  for (const statement of [reading, writing, reading]) {
    functions.judge(statement)
    expect(statement).toMatchObject({ travel: 'alone', isJudged: false })
    functions.answered(statement, undefined)
  }
  expect(asked).toEqual([['look']])
  answer()
  expect(asked).toEqual([['look'], ['note']])
  answer()
  for (const statement of [reading, writing]) functions.judge(statement)
  expect(reading).toMatchObject({ travel: 'read', isJudged: true })
  expect(writing).toMatchObject({ travel: 'alone', isJudged: true })

  const another = readStatement('select look(2)')
  functions.judge(another)
  expect(another.travel).toBe('read')
  expect(asked).toHaveLength(2)
})

test('no answer is asked for again; one from before a change does not count', () => {
  let reply: Answer = () => {}
  let askedCount = 0
  const functions = new Functions((_names, answer) => {
    askedCount++
    reply = answer
  })
  const statement = readStatement('select look(1)')
  functions.answered(statement, undefined)
  reply(new Error('gone'), undefined)
  functions.answered(statement, undefined)
  expect(askedCount).toBe(2)
  functions.forget([statement])
  reply(undefined, { rows: [{ name: 'look', writes: false }] } as unknown as QueryResult)
  functions.judge(statement)
  expect(statement.travel).toBe('alone')
})

test('a function that was missing is asked for again', () => {
  const { functions, asked, answer } = server([])
  const statement = readStatement('select look(1)')
  functions.answered(statement, undefined)
  answer()
  functions.judge(statement)
  functions.answered(statement, Object.assign(new Error('missing'), { code: '42883' }))
  expect(statement).toMatchObject({ travel: 'alone', isJudged: false })
  functions.answered(statement, undefined)
  expect(asked).toEqual([['look'], ['look']])
})

test('what is remembered is bounded: the oldest names go', () => {
  const { functions, asked, answer } = server([])
  for (let number = 0; number < 1_001; number++) {
    functions.answered(readStatement(`select f${number}(1)`), undefined)
    answer()
  }
  functions.answered(readStatement('select f1000(1)'), undefined)
  expect(asked).toHaveLength(1_001)
  functions.answered(readStatement('select f0(1)'), undefined)
  expect(asked).toHaveLength(1_002)
})
