import { tokenize, type Token } from './tokens.ts'

/** What a statement does with one of its values. */
export type SlotRole =
  /** Compared by `=`. */
  | 'equal'
  /** Compared by order. */
  | 'order'
  /** In the list of an `in (…)`. */
  | 'list'
  /** In a row of `values (…)`. */
  | 'row'
  | 'other'

/** A place in a statement where a value stands, as a placeholder or written out. */
export interface Slot {
  readonly role: SlotRole
  /** The number of the placeholder, from 1; undefined for a value that is written out. */
  readonly placeholder: number | undefined
  /** The value that is written out. */
  readonly literal: string | undefined
  readonly start: number
  readonly end: number
  /** The values in its `in (…)`, the rows of its `values`; else 1. */
  readonly peers: number
}

const orders = new Set(['<', '>', '<=', '>='])
// They begin something new: what compared the value before has nothing to do with the value behind.
const breaks = new Set(
  'and or not where on having select returning from set case when then else end limit offset fetch between like ilike any all some'.split(
    ' ',
  ),
)

/** The values of a statement, in the order in which they stand in its text. */
export function readSlots(sql: string): Slot[] {
  const tokens = tokenize(sql)
  const slots: { role: SlotRole; token: Token; group: { peers: number } }[] = []
  let role: SlotRole = 'other'
  let group = { peers: 1 }
  for (const [index, token] of tokens.entries()) {
    const before = tokens[index - 1]
    if (token.kind === 'operator') {
      role = roleOf(token.text)
    } else if (token.kind === 'word' && token.text === 'in') {
      role = 'list'
      group = { peers: 0 }
    } else if (token.kind === 'word' && token.text === 'values') {
      role = 'row'
      group = { peers: 1 }
    } else if (token.kind === 'word' && breaks.has(token.text)) {
      role = 'other'
    } else if (
      token.text === '(' &&
      role === 'row' &&
      before?.text === ',' &&
      tokens[index - 2]?.text === ')'
    ) {
      group.peers++
    } else if (token.kind === 'placeholder' || token.kind === 'literal') {
      if (role === 'list') group.peers++
      const own = role === 'list' || role === 'row' ? group : { peers: 1 }
      slots.push({ role: role === 'other' ? behind(tokens, index) : role, token, group: own })
    }
  }
  return slots.map(({ role, token, group: { peers } }) => ({
    role,
    peers,
    start: token.start,
    end: token.end,
    placeholder: token.kind === 'placeholder' ? Number(token.text.slice(1)) : undefined,
    literal: token.kind === 'literal' ? token.text.replaceAll(/^'|'$/g, '') : undefined,
  }))
}

function roleOf(operator: string): SlotRole {
  if (operator === '=') return 'equal'
  return orders.has(operator) ? 'order' : 'other'
}

// The value may stand before its operator: `$1 = id`, `$1::int = id`.
function behind(tokens: readonly Token[], index: number): SlotRole {
  const isCast = tokens[index + 1]?.text === '::'
  const next = tokens[index + (isCast ? 3 : 1)]
  return next?.kind === 'operator' ? roleOf(next.text) : 'other'
}
