import { spawnSync } from 'node:child_process'
import { pinned } from '../kit/pinning.ts'

/** What aiohttp took for a batch, in the python3 that is here. */
export interface AiohttpFigures {
  readonly batchMs: number
  readonly cpuMicrosPerCall: number
}

const program = `
import asyncio, json, resource, sys, time
import aiohttp
url, calls, concurrency = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

async def batch(session, gate):
    async def one():
        async with gate, session.get(url) as response:
            return await response.json()
    await asyncio.gather(*(one() for _ in range(calls)))

async def main():
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(connector=connector) as session:
        gate = asyncio.Semaphore(concurrency)
        await batch(session, gate)
        times, cpu = [], time.process_time()
        for _ in range(3):
            start = time.perf_counter()
            await batch(session, gate)
            times.append(time.perf_counter() - start)
        cpu = time.process_time() - cpu
        print(json.dumps({'batchMs': sorted(times)[1] * 1e3, 'cpuMicrosPerCall': cpu * 1e6 / 3 / calls}))

asyncio.run(main())
`

/** The second is where Debian's package puts aiohttp, whatever else is before it on the PATH. */
const interpreters = ['python3', '/usr/bin/python3']

/** Undefined where there is no python3, or no aiohttp in it. */
export function measureAiohttp(
  url: string,
  calls: number,
  concurrency: number,
): AiohttpFigures | undefined {
  for (const python of interpreters) {
    const argv = [python, '-c', program, url, `${calls}`, `${concurrency}`] as const
    const [command, args] = pinned('contender', [...argv])
    const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', timeout: 20_000 })
    if (status === 0) return JSON.parse(stdout) as AiohttpFigures
  }
  return undefined
}
