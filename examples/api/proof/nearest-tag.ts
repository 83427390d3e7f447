/**
 * The tag that somebody meant who mistyped it: of those that the fewest edits lead to (a letter put
 * in, left out or replaced), the first.
 */
export function nearestTag(typed: string, tags: readonly string[]): string {
  let nearest = ''
  let fewest = Infinity
  for (const tag of tags) {
    // As many edits as the lengths differ by are needed in any case.
    if (Math.abs(tag.length - typed.length) >= fewest) continue
    const edits = editsBetween(typed, tag)
    if (edits < fewest) {
      fewest = edits
      nearest = tag
    }
  }
  return nearest
}

/** Levenshtein's distance, a row of his table at a time. */
function editsBetween(from: string, to: string): number {
  const row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    let diagonal = i - 1
    row[0] = i
    for (let j = 1; j <= to.length; j++) {
      const above = row[j] ?? 0
      const isSame = from.charCodeAt(i - 1) === to.charCodeAt(j - 1)
      row[j] = isSame ? diagonal : 1 + Math.min(diagonal, above, row[j - 1] ?? 0)
      diagonal = above
    }
  }
  return row[to.length] ?? 0
}
