import type { Execution } from './executions.ts'
import { tokenize } from './tokens.ts'

const aggregate = /\b(?:count|sum|avg|min|max|exists)\s*\(/i

/** What to write instead of a repeated query: the query itself for all values, where that is enough. */
export function suggestRewrite({ entry, slots }: Execution, slotIndex: number): string {
  const { text } = entry
  const words = tokenize(text).map(({ text: word }) => word)
  const slot = slots[slotIndex]
  const [verb] = words
  if (verb === 'insert') {
    return 'insert all rows at once: insert into … select * from unnest($1, $2, …)'
  }
  if (verb === 'update') {
    return 'update all rows at once: update … set … from unnest($1, $2, …) as given (…) where … = given.…'
  }
  if (slot?.role !== 'equal' || (verb !== 'select' && verb !== 'delete')) {
    return 'ask for all values at once: a join with the parent query, or a loader (createLoader)'
  }
  const placeholder = slot.placeholder === undefined ? '$1' : `$${slot.placeholder}`
  const rewritten = `${text.slice(0, slot.start)}any(${placeholder})${text.slice(slot.end)}`
  const isPerValue = aggregate.test(text) || words.includes('limit')
  if (isPerValue) {
    return `answer for all values at once, grouped by the column that is compared (group by, or a lateral join): ${rewritten}; or a loader (createLoader)`
  }
  return `ask for all values at once: ${rewritten}; or a loader (createLoader)`
}
