import fc from 'fast-check'
import { expect, test } from 'vitest'
import { relatedTags } from './related-tags.ts'

/** As the database sends them. */
function asText(questions: readonly (readonly string[])[]): string {
  return questions.map((tags) => tags.join(' ')).join('\n')
}

test('relates by cosine similarity, and not by the number of questions alone', () => {
  const [common] = relatedTags(
    asText([
      ['common', 'loose'],
      ['common', 'loose'],
      ['common', 'close'],
      ['common', 'close'],
      ['close'],
      ...Array.from({ length: 6 }, () => ['loose']),
    ]),
  ).filter(({ tag }) => tag === 'common')
  expect(common).toEqual({
    tag: 'common',
    questions: 4,
    related: [
      { tag: 'close', questions: 2, similarity: 0.5774 },
      { tag: 'loose', questions: 2, similarity: 0.3536 },
    ],
  })
})

test('tags that are always used together are 1', () => {
  expect(relatedTags('a b\nb a\nc')).toEqual([
    { tag: 'a', questions: 2, related: [{ tag: 'b', questions: 2, similarity: 1 }] },
    { tag: 'b', questions: 2, related: [{ tag: 'a', questions: 2, similarity: 1 }] },
    { tag: 'c', questions: 1, related: [] },
  ])
})

test('names five for each of the fifty most used, the equals by name', () => {
  const all = Array.from({ length: 60 }, (_, i) => `t${String(i).padStart(2, '0')}`)
  const found = relatedTags(asText([all.toReversed()]))
  expect(found.map(({ tag }) => tag)).toEqual(all.slice(0, 50))
  expect(found[0]?.related.map(({ tag }) => tag)).toEqual(all.slice(1, 6))
  // What is no longer among the most used may still be related to one that is.
  expect(
    relatedTags(
      asText([...all.slice(0, 50).map((tag) => [tag]), ['t00'], ['t00'], ['t00', 'zz']]),
    )[0],
  ).toEqual({
    tag: 't00',
    questions: 4,
    related: [{ tag: 'zz', questions: 1, similarity: 0.5 }],
  })
})

test('names the one with more questions first where the similarity looks the same', () => {
  // 6 / sqrt(12 * 12) and 3 / sqrt(12 * 3).
  const questions = [
    ...Array.from({ length: 6 }, () => ['of', 'many']),
    ...Array.from({ length: 3 }, () => ['of', 'few']),
    ...Array.from({ length: 3 }, () => ['of']),
    ...Array.from({ length: 6 }, () => ['many']),
  ]
  const related = relatedTags(asText(questions)).find(({ tag }) => tag === 'of')?.related
  expect(related).toEqual([
    { tag: 'many', questions: 6, similarity: 0.5 },
    { tag: 'few', questions: 3, similarity: 0.5 },
  ])
})

test('without questions, or with none that has a tag, there is nothing to relate', () => {
  expect(relatedTags('')).toEqual([])
  expect(relatedTags('\n\n')).toEqual([])
})

test('agrees with a count question by question, in whatever order they come', () => {
  const question: fc.Arbitrary<string[]> = fc.uniqueArray(
    fc.constantFrom<string[]>('a', 'b', 'c', 'd', 'e', 'toString', 'é'),
  )
  const shuffled = fc
    .array(question, { maxLength: 40 })
    .chain((questions) =>
      fc.tuple(
        fc.constant(questions),
        fc.shuffledSubarray(questions, { minLength: questions.length }),
      ),
    )
  fc.assert(
    fc.property(shuffled, ([questions, others]) => {
      const found = relatedTags(asText(questions))
      expect(relatedTags(asText(others))).toEqual(found)
      const count = (...tags: string[]) =>
        questions.filter((question) => tags.every((tag) => question.includes(tag))).length
      for (const { tag, questions: uses, related } of found) {
        expect(uses).toBe(count(tag))
        for (const other of related) {
          const both = count(tag, other.tag)
          expect(other.questions).toBe(both)
          expect(other.similarity).toBeCloseTo(both / Math.sqrt(uses * count(other.tag)), 4)
        }
      }
    }),
  )
})
