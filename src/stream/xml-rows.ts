import type { Place } from './place.ts'
import { DerivedBatch } from './row-batch.ts'
import type { Batches } from './row-steps.ts'
import type { Run } from './run.ts'
import { parseXmlRow, type XmlRow } from './xml-row.ts'

/**
 * Parses lines that hold one element each. The declaration, the tags around the rows and blank lines
 * are passed over; any other line is rejected, and so is the end of a file that comes before the
 * closing tag.
 */
export async function* parseXmlRows(
  source: Batches<string>,
  element: string,
  run: Run,
): Batches<XmlRow> {
  const opening = `<${element} `
  let isClosed = false
  let hasLines = false
  let end: Place = { line: 1, byteOffset: 0 }
  for await (const batch of source) {
    const rows: XmlRow[] = []
    const origins: number[] = []
    for (const [index, line] of batch.rows.entries()) {
      try {
        const start = line.indexOf(opening)
        if (start === -1) {
          if (tagAroundRows(line, element) === 'end') isClosed = true
          continue
        }
        if (start > 0 && line.slice(0, start).trim() !== '') {
          throw new Error(`more than the <${element} .../> stands on the line`)
        }
        // XML has no such character, and PostgreSQL takes none.
        if (line.includes('\0')) throw new Error('the line holds a NUL')
        rows.push(parseXmlRow(line, start, element))
        origins.push(index)
      } catch (error) {
        run.reject(batch.placeOf(index), error, line)
      }
    }
    if (run.hasRejects) await run.flushRejects()
    hasLines ||= batch.rows.length > 0
    ;({ end } = batch)
    yield new DerivedBatch(rows, batch, origins)
  }
  // A run that went on behind the closing tag has nothing left to read.
  const wasDone = !hasLines && end.byteOffset !== 0
  if (isClosed || wasDone) return
  run.reject(end, 'the text ends here, before its closing tag', undefined)
  await run.flushRejects()
}

function tagAroundRows(line: string, element: string): 'start' | 'end' {
  if (/^\s*<\/\w+>\s*$/.test(line)) return 'end'
  if (/^\ufeff?\s*(<\?xml\b.*\?>|<\w+>)?\s*$/.test(line)) return 'start'
  throw new Error(`this is no <${element} .../>`)
}
