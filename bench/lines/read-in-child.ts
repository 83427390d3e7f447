import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** What the child found. */
export interface ChildReading {
  readonly count: number
  /** Why a line was rejected. */
  readonly failed: string
  readonly peakRssMb: number
}

const programs = {
  arrays: 'for await (const batch of lines(input).batches()) count += batch.length',
  single: "for await (const line of lines(input)) if (line !== '') count++",
  'long-line': `
    const { rejected } = await lines(oneLine(Number(input))).to(
      (rows) => { count += rows.length },
      { rejects: ([row]) => { failed = row.reason } },
    )
    if (rejected !== 1) throw new Error(rejected + ' lines were rejected, not 1')

    // A line of so many bytes between two short ones, in pieces of one megabyte.
    function* oneLine(bytes) {
      const piece = Buffer.alloc(1e6, 'x')
      yield Buffer.from('first\\n')
      for (let left = bytes; left > 0; left -= piece.length) yield piece.subarray(0, left)
      yield Buffer.from('\\nlast\\n')
    }`,
}

/**
 * Reads a file, or a line of so many bytes, in a process of its own. The program is JavaScript, so
 * that what Node needs to strip types is not counted as ours.
 */
export async function readInChild(
  what: keyof typeof programs,
  input: string | number,
): Promise<ChildReading> {
  const program = `
    import { lines } from 'hotpath/stream'
    const input = process.argv[1]
    let count = 0
    let failed = ''
    ${programs[what]}
    const peakRssMb = (process.resourceUsage().maxRSS * 1_024) / 1e6
    console.log(JSON.stringify({ count, failed, peakRssMb }))`
  const node = ['--input-type=module', '--eval', program, String(input)]
  const cwd = fileURLToPath(new URL('../..', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, node, { cwd })
  return JSON.parse(stdout) as ChildReading
}
