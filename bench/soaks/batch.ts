import type { Soak } from '../kit/soak.ts'
import { fetchMillion, heap } from './batch/million.ts'

const maxMb = 100

const soak: Soak = {
  title: `hotpath/batch fetches addresses from an async iterable, 50 at a time, in a process with ${heap.join(' ')} and MALLOC_ARENA_MAX=1`,
  peers: ['undici'],
  services: [],
  operations: 1_000_000,
  run: async ({ operations, progress }) => {
    const { done, failed, peakRssBytes } = await fetchMillion(operations, progress)
    const peakRssMb = peakRssBytes / 1e6
    return {
      contenders: { 'hotpath/batch': { done, failed, peakRssMb } },
      failures: [],
      claims: [
        {
          claim: 'every address has its value',
          value: done - failed,
          bar: operations,
          holds: done === operations && failed === 0,
        },
        {
          claim: `the process never holds more than ${maxMb} MB (RSS, Node included)`,
          value: peakRssMb,
          bar: maxMb,
          holds: peakRssMb <= maxMb,
        },
      ],
    }
  },
}

export default soak
