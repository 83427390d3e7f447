import type { RepeatedQuery } from './repeated-queries.ts'

/** The evidence as a person reads it: how often, where, which queries, and what to write instead. */
export function describeRepeatedQuery(found: RepeatedQuery): string {
  const { site, count, totalMs, text, parent, suggestion } = found
  const place = site === undefined ? 'an unknown place' : `${site.file}:${site.line}:${site.column}`
  return [
    `${count} queries (${totalMs.toFixed(1)} ms) at ${place}, one for each row of another query`,
    `  query: ${text}`,
    `  with the values of "${parent.column}" from: ${parent.text}`,
    `  instead: ${suggestion}`,
  ].join('\n')
}
