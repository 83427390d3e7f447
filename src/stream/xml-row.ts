/** The attributes of one element, their entities decoded. */
export type XmlRow = Readonly<Record<string, string | undefined>>

/**
 * Reads one element from a line. The attributes are looked through by hand: this is all of XML that
 * a dump of rows needs.
 *
 * @param start where `<row` begins
 * @throws Error where it is cut off, or holds something that is no XML
 */
export function parseXmlRow(line: string, start: number, element: string): XmlRow {
  // Without a prototype, so that an attribute may have any name.
  const row: Record<string, string> = Object.create(null) as Record<string, string>
  let at = start + 1 + element.length
  for (;;) {
    while (isBlank(line.charCodeAt(at))) at++
    if (line.startsWith('/>', at)) break
    const equals = line.indexOf('=', at)
    const quote = line[equals + 1]
    if (equals < 0 || (quote !== '"' && quote !== "'")) throw cutOff(element)
    const end = line.indexOf(quote, equals + 2)
    if (end < 0) throw cutOff(element)
    const name = line.slice(at, equals)
    if (name === '' || name.includes(' ')) throw cutOff(element)
    row[name] = decodeEntities(line.slice(equals + 2, end))
    at = end + 1
  }
  // A second row would be lost without a word.
  if (at + 2 < line.length && line.slice(at + 2).trim() !== '') {
    throw new Error(`more than the <${element} .../> stands on the line`)
  }
  return row
}

function cutOff(element: string): Error {
  return new Error(`the <${element} .../> is cut off`)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

function decodeEntities(value: string): string {
  let start = value.indexOf('&')
  if (start < 0) return value
  let decoded = ''
  let from = 0
  do {
    const end = value.indexOf(';', start)
    decoded += value.slice(from, start) + decodeEntity(value.slice(start + 1, Math.max(start, end)))
    from = end + 1
    start = value.indexOf('&', from)
  } while (start >= 0)
  return decoded + value.slice(from)
}

const characters: Record<string, string | undefined> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
  '#xA': '\n',
  '#xD': '\r',
  '#x9': '\t',
}

function decodeEntity(name: string): string {
  return characters[name] ?? decodeCharacterReference(name)
}

function decodeCharacterReference(name: string): string {
  const [, hexadecimal, decimal] = /^#(?:x([0-9a-f]{1,6})|([0-9]{1,7}))$/i.exec(name) ?? []
  const code = Number.parseInt(hexadecimal ?? decimal ?? '', hexadecimal === undefined ? 10 : 16)
  const isCharacter = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
  if (!isCharacter) throw new Error(`there is no character &${name.slice(0, 20)};`)
  return String.fromCodePoint(code)
}
