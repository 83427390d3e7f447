import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'

/**
 * Where a part of the real data is.
 *
 * @throws where it is not there
 */
export function dataFolder(part: string): string {
  const found = join(resolve(process.env['HOTPATH_DATA'] ?? '../shared/data'), part)
  if (existsSync(found)) return found
  throw new Error(`There is no ${found}: HOTPATH_DATA must name the folder with the real data.`)
}

/**
 * The keys of a recorded trace in order of access, numbered from 0 as they appear.
 *
 * @throws where the folder with the traces is not there
 */
export function readTrace(name: string): Int32Array {
  const text = gunzipSync(readFileSync(join(dataFolder('traces'), `${name}.txt.gz`))).toString(
    'latin1',
  )
  const lines = text.trimEnd().split('\n')
  const numbers = new Map<string, number>()
  return Int32Array.from(lines, (line) => {
    // In `adaptsize` the size stands behind the key.
    const key = line.split(' ', 1)[0] ?? ''
    const known = numbers.get(key)
    if (known !== undefined) return known
    numbers.set(key, numbers.size)
    return numbers.size - 1
  })
}
