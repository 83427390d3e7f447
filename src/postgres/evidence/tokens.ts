/** One piece of an SQL text that means something: comments and white space are left out. */
export interface Token {
  readonly kind: 'word' | 'literal' | 'placeholder' | 'operator' | 'mark'
  /** In lower case for a word that is not quoted. */
  readonly text: string
  readonly start: number
  readonly end: number
}

const patterns = new RegExp(
  [
    String.raw`(?<space>\s+|--[^\n]*)`,
    String.raw`(?<comment>/\*)`,
    String.raw`(?<dollar>\$(?<tag>[a-z_]\w*)?\$)`,
    String.raw`(?<placeholder>\$\d+)`,
    String.raw`(?<escaped>e'(?:[^'\\]|\\.|'')*')`,
    String.raw`(?<literal>(?:[bxn]|u&)?'(?:[^']|'')*'|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)`,
    String.raw`(?<quoted>"(?:[^"]|"")*")`,
    String.raw`(?<word>[\p{L}_][\p{L}\p{N}_$]*)`,
    String.raw`(?<cast>::)`,
    String.raw`(?<operator>(?:(?!--|/\*)[-+*/<>=~!@#%^&|` + '`' + String.raw`?])+)`,
    String.raw`(?<mark>.)`,
  ].join('|'),
  'isuy',
)

/** Takes an SQL text apart as far as this room needs it. What is broken ends the last token. */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < sql.length) {
    patterns.lastIndex = at
    const groups = patterns.exec(sql)?.groups
    if (groups === undefined) break
    const start = at
    at = patterns.lastIndex
    if (groups['space'] !== undefined) continue
    if (groups['comment'] !== undefined) {
      at = commentEnd(sql, start)
      continue
    }
    if (groups['dollar'] !== undefined) {
      const close = sql.indexOf(groups['dollar'], at)
      at = close === -1 ? sql.length : close + groups['dollar'].length
    }
    const text = sql.slice(start, at)
    const kind = kindOf(groups)
    tokens.push({
      kind,
      text: kind === 'word' && !text.startsWith('"') ? text.toLowerCase() : text,
      start,
      end: at,
    })
  }
  return tokens
}

function kindOf(groups: Record<string, string | undefined>): Token['kind'] {
  if (groups['placeholder'] !== undefined) return 'placeholder'
  if (groups['word'] !== undefined || groups['quoted'] !== undefined) return 'word'
  if (groups['operator'] !== undefined) return 'operator'
  if (groups['mark'] !== undefined || groups['cast'] !== undefined) return 'mark'
  return 'literal'
}

// PostgreSQL's comments nest.
function commentEnd(sql: string, start: number): number {
  const edges = /\/\*|\*\//g
  edges.lastIndex = start
  let depth = 0
  for (let edge = edges.exec(sql); edge !== null; edge = edges.exec(sql)) {
    depth += edge[0] === '/*' ? 1 : -1
    if (depth === 0) return edges.lastIndex
  }
  return sql.length
}
