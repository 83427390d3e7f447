import { expect, test } from 'vitest'
import { readFilter } from './plan-filter.ts'

const columns = ['id', 'owner', 'title', 'Odd "name"', 'at', 'score']

test.each<[string, string[], string[]]>([
  ['(p.owner = 5)', ['owner'], ['owner']],
  ["((p.at > '2026-01-01'::date) AND (p.owner = $1))", ['owner', 'at'], ['owner', 'at']],
  ['((p.at > now()) AND (p.score < 3))', ['at', 'score'], ['at']],
  ["((p.title)::text = 'x'::text)", ['title'], ['title']],
  ['(p."Odd ""name""" = 1)', ['Odd "name"'], ['Odd "name"']],
  // An index on the column does not find these.
  ["(lower((p.title)::text) = 'x'::text)", ['title'], []],
  ["(p.title ~~ '%x%'::text)", ['title'], []],
  ['((p.owner = 1) OR (p.score = 2))', ['owner', 'score'], []],
  ['(NOT (p.owner = 1))', ['owner'], []],
  // Not of this table, or not code at all.
  ["(p.title ~~ '(p.owner = 1)'::text)", ['title'], []],
  ['(q.owner = q.id)', [], []],
  ['(pp.owner = 1)', [], []],
  ['(p.owner_id = 1)', [], []],
  ['', [], []],
])('%s', (filter, all, indexable) => {
  expect(readFilter(filter, 'p', columns)).toEqual({ all, indexable })
})
