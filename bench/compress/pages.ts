import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import { dataFolder } from '../policy/traces.ts'

/**
 * Pages of real posts as an API would answer with them, of about so many bytes each: texts of people,
 * in JSON. They come from the dump of a Stack Exchange site.
 */
export async function readPages(sizes: readonly number[]): Promise<string[]> {
  const file = createReadStream(`${dataFolder('stackexchange')}/Posts.xml.gz`)
  const rows: string[] = []
  let bytes = 0
  for await (const line of createInterface({ input: file.pipe(createGunzip()) })) {
    const row = rowFrom(line)
    if (row === undefined) continue
    rows.push(row)
    bytes += Buffer.byteLength(row) + 1
    if (bytes > Math.max(...sizes)) break
  }
  file.destroy()
  return sizes.map((size) => pageOf(rows, size))
}

function pageOf(rows: readonly string[], size: number): string {
  const taken: string[] = []
  let bytes = 0
  for (const row of rows) {
    if (bytes >= size) break
    taken.push(row)
    bytes += Buffer.byteLength(row) + 1
  }
  return `{"rows":[${taken.join(',')}]}`
}

function rowFrom(line: string): string | undefined {
  if (!line.includes('<row ')) return undefined
  const attribute = (name: string) => unescaped(new RegExp(` ${name}="([^"]*)"`).exec(line)?.[1])
  return JSON.stringify({
    id: Number(attribute('Id')),
    type: Number(attribute('PostTypeId')),
    title: attribute('Title'),
    score: Number(attribute('Score')),
    views: Number(attribute('ViewCount')),
    tags: attribute('Tags')?.split('|').filter(Boolean),
    author: Number(attribute('OwnerUserId')),
    createdAt: attribute('CreationDate'),
    body: attribute('Body'),
  })
}

function unescaped(text: string | undefined): string | undefined {
  return text
    ?.replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#xA;', '\n')
    .replaceAll('&amp;', '&')
}
