import { createHash } from 'node:crypto'

/** Some microseconds of work for a line. */
export function hashLine(line: string): string {
  let digest = line
  for (let round = 0; round < 20; round++) {
    digest = createHash('sha256').update(digest).digest('hex')
  }
  return digest
}

/** For a worker thread. */
export function hashAll(lines: string[]): string[] {
  return lines.map(hashLine)
}
