import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BuildName } from '../../api/contract.ts'
import { startChild } from '../child-process.ts'
import { interleave, perBuild } from '../per-build.ts'
import type { ProofRow } from '../row.ts'
import { median } from '../statistics.ts'
import { formatFigure } from '../table.ts'

const module = new URL('../file/child.mjs', import.meta.url)

const fileBytes = 64 * 1_024 * 1_024
const line = `{"id":1234567,"title":"How do I keep a file of any size out of memory?","tags":["streams"]}\n`

/** What the reading came to. */
interface FileFigures {
  readonly lines: number
  readonly durationMs: number
  readonly peakBytes: number
}

export const row: ProofRow = {
  id: 'file',
  order: 48,
  what: `Streams: peak memory over a file of ${fileBytes / 1_024 / 1_024} MiB`,
  unit: 'MB',
  better: 'lower',
  claimed: 'constant memory',
  budgetMs: 3_500,
  async measure({ rounds, signal }) {
    const folder = await mkdtemp(join(tmpdir(), 'hotpath-file-'))
    try {
      const path = join(folder, 'large.ndjson')
      const lines = await writeLargeFile(path)
      const durationsMs = perBuild((): number[] => [])
      const peaks = await interleave(Math.min(rounds, 2), async (build) => {
        const figures = await readFileIn(build, path, signal)
        if (figures.lines !== lines) throw new Error(`${build} counted ${figures.lines} lines`)
        durationsMs[build].push(figures.durationMs)
        return figures.peakBytes / 1e6
      })
      const took = (build: BuildName) => formatFigure(median(durationsMs[build]))
      return {
        rounds: peaks,
        notes: [
          `Streams: counting ${lines.toLocaleString('en-US')} lines took naive, which reads the file whole, ${took('naive')} ms, usual (readline) ${took('usual')} ms and hotpath ${took('hotpath')} ms, each in a process of its own, of whose memory some 45 MB are Node.`,
        ],
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  },
}

async function writeLargeFile(path: string): Promise<number> {
  const perChunk = Math.floor((1_024 * 1_024) / line.length)
  const chunk = line.repeat(perChunk)
  const file = await open(path, 'w')
  let lines = 0
  for (let bytes = 0; bytes < fileBytes; bytes += chunk.length) {
    await file.writeFile(chunk)
    lines += perChunk
  }
  await file.close()
  return lines
}

async function readFileIn(
  build: BuildName,
  path: string,
  signal: AbortSignal,
): Promise<FileFigures> {
  const child = startChild(module, { name: `reader (${build})`, args: [build, path] })
  try {
    return (await child.receive(signal)) as FileFigures
  } finally {
    await child.close()
  }
}
