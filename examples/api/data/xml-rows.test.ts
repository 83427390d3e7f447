import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DumpError } from './dump-error.ts'
import { readRows, UnreadableRow, type RejectedRow, type XmlRow } from './xml-rows.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hotpath-xml-rows-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function readAll(
  content: string | Buffer,
  read: (row: XmlRow) => unknown,
  name = 'Rows.xml',
) {
  const path = join(folder, name)
  await writeFile(path, content)
  const rejected: RejectedRow[] = []
  const values: unknown[] = []
  let bytes = 0
  const rows = readRows(path, {
    read,
    onRejected: (row) => rejected.push(row),
    onBytes: (count) => (bytes += count),
  })
  for await (const value of rows) values.push(value)
  return { values, rejected, bytes }
}

function file(...rows: string[]): string {
  return ['\ufeff<?xml version="1.0" encoding="utf-8"?>', '<rows>', ...rows, '</rows>'].join('\r\n')
}

const text = (row: XmlRow) => row.get('Text')

test('reads rows around a byte-order mark, CRLF and blank lines', async () => {
  const content = file('  <row Id="1" Text="un" />', '', '\t<row\tId="2"/>', "<row Text='deux' />")
  expect(await readAll(content, text)).toMatchObject({
    values: ['un', 'deux'],
    rejected: [{ line: 5 }],
  })
})

test('decodes named, decimal and hexadecimal references once', async () => {
  const content = file(
    '<row Text="&lt;p&gt;&quot;&apos;&amp;&#xA;&#xD;&#9;&#233;&#x1F600;" />',
    '<row Text="&amp;lt;" />',
    '<row Text="&#38;amp;" />',
    '<row Text="no reference; at all" />',
  )
  const { values, rejected } = await readAll(content, text)
  expect(values).toEqual(['<p>"\'&\n\r\té😀', '&lt;', '&amp;', 'no reference; at all'])
  expect(rejected).toEqual([])
})

test('names the line of every row that cannot be read, and goes on', async () => {
  const content = Buffer.concat([
    Buffer.from(file('<row Text="good" />', '<row Text="&nbsp;" />', '<row Text="&#0;" />')),
    Buffer.from('\n<row Text="A & B" />\n<row Text="no end\n<row Text=bare />\nhello\n'),
    Buffer.from('<row Text="&#xD800;" />\n<row Text="\0" />\n<row Text="'),
    Buffer.from([0xe9]),
    Buffer.from('" />\n<row Text="\ufffd" />'),
  ])
  const { values, rejected } = await readAll(content, text)
  expect(values).toEqual(['good', '\ufffd'])
  expect(rejected.map(({ line }) => line)).toEqual([4, 5, 7, 8, 9, 10, 11, 12, 13])
})

test('rejects what the reader of a row cannot take', async () => {
  const read = () => {
    throw new UnreadableRow('not this one')
  }
  expect(await readAll(file('<row Id="1" />'), read)).toMatchObject({
    values: [],
    rejected: [{ line: 3, reason: 'not this one' }],
  })
})

test('says where a file ends too early', async () => {
  const { rejected } = await readAll(file('<row Text="a" />').slice(0, -4), text)
  expect(rejected.at(-1)).toEqual({ line: 4, reason: 'the file ends here, before its closing tag' })
})

test('reads rows that lie across the pieces of a large file, gzip’ed or not', async () => {
  const rows = Array.from({ length: 3_000 }, (_, i) => `<row Text="${i} ${'é'.repeat(i % 700)}" />`)
  const content = file(...rows)
  const expected = rows.map((row) => row.slice(11, -4))

  const plain = await readAll(content, text)
  expect(plain.values).toEqual(expected)
  expect(plain.bytes).toBe(Buffer.byteLength(content))

  const zipped = gzipSync(content)
  const unzipped = await readAll(zipped, text, 'Rows.xml.gz')
  expect(unzipped.values).toEqual(expected)
  expect(unzipped.bytes).toBe(zipped.length)
})

test('passes over a line of more than 16 MiB', async () => {
  const long = `<row Text="${'x'.repeat(17 * 1024 * 1024)}" />`
  const { values, rejected } = await readAll(
    file('<row Text="a" />', long, '<row Text="b" />'),
    text,
  )
  expect(values).toEqual(['a', 'b'])
  expect(rejected).toMatchObject([{ line: 4, reason: expect.stringContaining('longer than') }])
})

test('a gzip file that is cut off or damaged is one clear error', async () => {
  const whole = gzipSync(file(...Array.from({ length: 500 }, (_, i) => `<row Text="${i}" />`)))
  for (const content of [whole.subarray(0, -20), Buffer.from('no gzip at all')]) {
    const reading = readAll(content, text, 'Cut.xml.gz')
    await expect(reading).rejects.toThrow(DumpError)
    await expect(reading).rejects.toThrow(/^Cut\.xml\.gz is cut off or damaged/)
  }
})

test('stops when it is aborted', async () => {
  const path = join(folder, 'Long.xml')
  await writeFile(path, file(...Array.from({ length: 50_000 }, (_, i) => `<row Text="${i}" />`)))
  const controller = new AbortController()
  const { signal } = controller
  const rows = readRows(path, { read: text, onRejected: () => {}, signal })
  await rows.next()
  controller.abort(new Error('enough'))
  await expect(async () => {
    for await (const row of rows) expect(row).toBeTypeOf('string')
  }).rejects.toThrow('enough')
})
