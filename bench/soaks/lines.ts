import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Soak } from '../kit/soak.ts'
import { writeLog } from '../lines/log-file.ts'
import { readInChild } from '../lines/read-in-child.ts'

// Single lines make two and a half times as much garbage, so that V8 gives its young generation more room.
const maxRssMb = { arrays: 90, single: 110 }

const soak: Soak = {
  title: 'files of 100 MB to 4 GB are read line by line, and a single line of 1 GB is met',
  peers: [],
  services: [],
  // The megabytes of the largest file.
  operations: 4_000,
  run: async ({ operations, progress }) => {
    const folder = await mkdtemp(join(tmpdir(), 'hotpath-lines-'))
    const contenders: Record<string, Record<string, number>> = {}
    const failures: string[] = []
    const peaks = { arrays: 0, single: 0 }
    try {
      const sizes = [100, 1_000, operations].filter((size) => size <= operations)
      for (const megabytes of new Set(sizes)) {
        const path = join(folder, `${megabytes}.log`)
        const lines = await writeLog(path, megabytes * 1e6)
        for (const what of ['arrays', 'single'] as const) {
          const { count, peakRssMb } = await readInChild(what, path)
          if (count !== lines) failures.push(`${path}: ${count} lines, not ${lines}`)
          peaks[what] = Math.max(peaks[what], peakRssMb)
          contenders[`${what}, ${megabytes} MB`] = { lines: count, 'peak RSS, MB': peakRssMb }
        }
        await rm(path)
        progress(megabytes)
      }
      const long = await readInChild('long-line', 1e9)
      if (long.count !== 2) failures.push(`${long.count} lines beside the long one, not 2`)
      contenders['a line of 1 GB'] = { 'peak RSS, MB': long.peakRssMb }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
    return {
      contenders,
      failures,
      claims: [
        {
          claim: 'arrays of lines take at most 90 MB whatever the size of the file',
          value: peaks.arrays,
          bar: maxRssMb.arrays,
          holds: peaks.arrays <= maxRssMb.arrays,
        },
        {
          claim: 'single lines take at most 110 MB up to 4 GB',
          value: peaks.single,
          bar: maxRssMb.single,
          holds: peaks.single <= maxRssMb.single,
        },
        {
          claim: 'every line is read, and a line of 1 GB is one error in constant memory',
          value: failures.length,
          bar: 0,
          holds: failures.length === 0,
        },
      ],
    }
  },
}

export default soak
