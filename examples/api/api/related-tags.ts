/** A much used tag, and the tags that it goes with. */
export interface TagRelations {
  tag: string
  /** How many questions have it. */
  questions: number
  /** The most similar first. */
  related: RelatedTag[]
}

export interface RelatedTag {
  tag: string
  /** How many questions have both. */
  questions: number
  /** From 0 to 1, where each question with one of the two has the other. */
  similarity: number
}

const mostUsed = 50
const mostRelated = 5

/**
 * What goes with the most used tags, by cosine similarity: the questions with both tags, over the
 * geometric mean of the questions with the one and with the other. Counts alone would relate
 * everything to the few tags that half of the questions have.
 *
 * @param questions the tags of each question: a line each, with spaces between them
 */
export function relatedTags(questions: string): TagRelations[] {
  const tagged = questions.split('\n').map((line) => line.split(' ').filter((tag) => tag !== ''))
  const uses = new Map<string, number>()
  for (const tag of tagged.flat()) increment(uses, tag)

  const ranked = [...uses].sort(([a, usesOfA], [b, usesOfB]) => usesOfB - usesOfA || byName(a, b))
  const most = ranked.slice(0, mostUsed)
  const together = new Map(most.map(([tag]) => [tag, new Map<string, number>()]))
  for (const tags of tagged) {
    for (const tag of tags) {
      const others = together.get(tag)
      if (others === undefined) continue
      for (const other of tags) if (other !== tag) increment(others, other)
    }
  }

  return most.map(([tag, count]) => ({
    tag,
    questions: count,
    related: [...(together.get(tag) ?? [])]
      .map(([other, both]) => ({
        tag: other,
        questions: both,
        similarity: rounded(both / Math.sqrt(count * (uses.get(other) ?? 0))),
      }))
      .sort(bySimilarity)
      .slice(0, mostRelated),
  }))
}

function increment(counts: Map<string, number>, tag: string): void {
  counts.set(tag, (counts.get(tag) ?? 0) + 1)
}

/** Before they are compared, so that the order can be seen in what is shown. */
function rounded(similarity: number): number {
  return Math.round(similarity * 10_000) / 10_000
}

function bySimilarity(a: RelatedTag, b: RelatedTag): number {
  return b.similarity - a.similarity || b.questions - a.questions || byName(a.tag, b.tag)
}

/** In the order of the characters' codes, as in the database: the same wherever it runs. */
function byName(a: string, b: string): number {
  return a < b ? -1 : 1
}
