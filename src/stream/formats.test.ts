import { describe, expect, test } from 'vitest'
import { describeProgress } from './progress-bar.ts'
import { lines } from './lines.ts'
import type { RejectedRow } from './rejects.ts'
import type { Pipeline } from './pipeline.ts'

/** What comes out, and where and why the rest does not. */
async function read<T>(pipeline: Pipeline<T>) {
  const rejected: string[] = []
  const rows = await pipeline.toArray({
    rejects: async (rows: readonly RejectedRow[]) => {
      for (const { line, byteOffset, reason } of rows)
        rejected.push(`${line}/${byteOffset} ${reason}`)
    },
  })
  return { rows, rejected }
}

describe('ndjson', () => {
  test('parses each line, passes blank ones over, and rejects what is no JSON', async () => {
    const { rows, rejected } = await read(
      lines(Buffer.from('{"a":1}\n\n[2]\r\n{oops}\n3')).ndjson(),
    )
    expect(rows).toEqual([{ a: 1 }, [2], 3])
    expect(rejected).toEqual([expect.stringMatching(/^4\/14 .*JSON/)])
  })
})

describe('csv', () => {
  const text = 'id,name\r\n1,Ada\r\n2,"Grace\r\nHopper, ""amazing"""\r\n\r\n3\r\n4,Linus\r\n'

  test('makes objects, over lines and across batches, and rejects rows with a field too few', async () => {
    for (const size of [1, 7, 1_000]) {
      const chunks = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []
      const { rows, rejected } = await read(lines(chunks).csv())
      expect(rows).toEqual([
        { id: '1', name: 'Ada' },
        { id: '2', name: 'Grace\nHopper, "amazing"' },
        { id: '4', name: 'Linus' },
      ])
      expect(rejected).toEqual([expect.stringMatching(/^6\/50 Invalid Record Length/)])
    }
  })

  test('goes on from any place, with the names of the columns', async () => {
    const all = 'id,name\n' + Array.from({ length: 500 }, (_, at) => `${at},"a\nb"\n`).join('')
    const names = ['id', 'name']
    let seen = 0
    const { next } = await lines(Buffer.from(all))
      .csv()
      .to(
        async (rows, place) => {
          seen += rows.length
          const rest = await lines(Buffer.from(all), { from: place })
            .csv({ columns: names })
            .toArray()
          expect(rest).toHaveLength(500 - seen)
          if (rest.length > 0) expect(rest[0]).toEqual({ id: String(seen), name: 'a\nb' })
        },
        { batchSize: 99 },
      )
    expect(next).toEqual({ line: 1_002, byteOffset: all.length })
  })

  test('without names, with other delimiters, and a quote that is never closed', async () => {
    const { rows, rejected } = await read(
      lines(Buffer.from('# c\n1; 2\n3;"4\n5;6')).csv({
        columns: false,
        delimiter: ';',
        comment: '#',
        trim: true,
      }),
    )
    expect(rows).toEqual([['1', '2']])
    expect(rejected).toEqual([expect.stringContaining('Quote Not Closed')])
  })

  test('refuses an option that it does not know', () => {
    expect(() => lines('x').csv({ seperator: ';' } as object)).toThrow("no option 'seperator'")
  })
})

describe('xmlRows', () => {
  test('decodes attributes, and passes over what is around the rows', async () => {
    const { rows, rejected } = await read(
      lines(
        Buffer.from(
          '\ufeff<?xml version="1.0"?>\r\n<users>\r\n  <row Id="1" Name="a &lt;b&gt; &amp;amp; &#x1F600;&#10;" __proto__="x" />\r\n\r\n<row Id=\'2\'/>\r\n</users>\r\n',
        ),
      ).xmlRows(),
    )
    expect(rejected).toEqual([])
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { Id: '1', Name: 'a <b> &amp; 😀\n', ['__proto__']: 'x' },
      { Id: '2' },
    ])
  })

  test('rejects rows that are none, and an end before the closing tag', async () => {
    const bad = [
      '<row Id="1',
      '<row Id=1 />',
      '<row A="&no;" />',
      '<row A="&#xD800;" />',
      'text',
      '<row A="\0" />',
    ]
    const { rows, rejected } = await read(
      lines(Buffer.from(`<a>\n${bad.join('\n')}\n<row A="1" />\n`)).xmlRows(),
    )
    expect(rows.map((row) => ({ ...row }))).toEqual([{ A: '1' }])
    expect(rejected.map((text) => text.replace(/\/\d+/, ''))).toEqual([
      '2 the <row .../> is cut off',
      '3 the <row .../> is cut off',
      '4 there is no character &no;',
      '5 there is no character &#xD800;',
      '6 this is no <row .../>',
      '7 the line holds a NUL',
      '9 the text ends here, before its closing tag',
    ])
  })

  test('rejects a line that holds more than its row: none of it is lost without a word', async () => {
    const bad = [
      '<row A="1" /><row A="2" />',
      '<row A="1" /></a>',
      '<!-- <row A="1" /> -->',
      'x <row A="1" />',
      '<row A B="1" />',
    ]
    const { rows, rejected } = await read(
      lines(Buffer.from(`<a>\n${bad.join('\n')}\n</a>\n`)).xmlRows(),
    )
    expect(rows).toEqual([])
    expect(rejected.map((text) => text.replace(/\/\d+/, ''))).toEqual([
      '2 more than the <row .../> stands on the line',
      '3 more than the <row .../> stands on the line',
      '4 more than the <row .../> stands on the line',
      '5 more than the <row .../> stands on the line',
      '6 the <row .../> is cut off',
    ])
  })

  test('an empty text lacks its closing tag; one that was read to its end does not', async () => {
    const { rejected } = await read(lines(Buffer.alloc(0)).xmlRows())
    expect(rejected).toEqual(['1/0 the text ends here, before its closing tag'])
    const text = Buffer.from('<a>\n<row A="1" />\n</a>')
    const { next } = await lines(text)
      .xmlRows()
      .to(async () => {})
    expect(await read(lines(text, { from: next }).xmlRows())).toEqual({ rows: [], rejected: [] })
  })

  test('of another name', async () => {
    const { rows } = await read(lines(Buffer.from('<i n="1"/>\n</is>')).xmlRows({ element: 'i' }))
    expect(rows.map(({ n }) => n)).toEqual(['1'])
  })
})

test('a progress bar is one line', () => {
  const progress = {
    bytes: 520e6,
    totalBytes: 1e9,
    rows: 4_600_000,
    rejected: 3,
    next: { line: 1, byteOffset: 0 },
    elapsedMs: 1_300,
    bytesPerSecond: 400e6,
    rowsPerSecond: 1,
    remainingMs: 1_200,
  }
  expect(describeProgress(progress)).toBe(
    '[████████████░░░░░░░░░░░░] 52 %  400 MB/s  4,600,000 rows  3 rejected  2 s left',
  )
  expect(describeProgress({ ...progress, totalBytes: undefined, remainingMs: undefined })).toBe(
    '520 MB  400 MB/s  4,600,000 rows  3 rejected',
  )
})
