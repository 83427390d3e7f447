import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { Random } from '../../examples/api/data/random.ts'

const words =
  'GET POST /api/users /api/questions/12345 200 404 Mozilla/5.0 (X11; Linux x86_64) ms cached miss stale'.split(
    ' ',
  )

/** Writes a log of about so many bytes, the same each time, and says how many lines it has. */
export async function writeLog(path: string, bytes: number): Promise<number> {
  const block = logBlock()
  const lines = block.toString('latin1').split('\n').length - 1
  const blocks = Math.max(1, Math.round(bytes / block.length))
  const file = createWriteStream(path)
  for (let written = 0; written < blocks; written++) {
    if (!file.write(block)) await once(file, 'drain')
  }
  file.end()
  await finished(file)
  return blocks * lines
}

/** About 4 MB in lines of 30 to 160 bytes. */
function logBlock(): Buffer {
  const random = new Random(42)
  let text = ''
  while (text.length < 4e6) {
    const count = 3 + random.below(18)
    const picked = Array.from({ length: count }, () => words[random.below(words.length)])
    text += `2026-11-22T10:00:00.${random.below(1_000)} ${picked.join(' ')}\n`
  }
  return Buffer.from(text)
}
