/** A file of votes that no site has yet, as a dump would hold it. */
export function votesFile(count: number, firstId: number): string {
  const rows = Array.from(
    { length: count },
    (_, at) =>
      `  <row Id="${firstId + at}" PostId="${1 + (at % 100)}" VoteTypeId="2" CreationDate="2026-01-01T00:00:00.000" />`,
  )
  return ['<?xml version="1.0" encoding="utf-8"?>', '<votes>', ...rows, '</votes>', ''].join('\n')
}
