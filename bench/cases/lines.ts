import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Bench, Contender, Figures } from '../kit/bench.ts'
import { writeLog } from '../lines/log-file.ts'
import { readInChild } from '../lines/read-in-child.ts'
import { timesFasterInWorkers } from '../lines/threads.ts'

const fileBytes = 24e6
// In the environment, because that is what contenders' processes inherit.
const pathName = 'HOTPATH_BENCH_LOG'
const countName = 'HOTPATH_BENCH_LOG_LINES'
let threadsRatio = 0
let peakRssMb = Infinity

/** Reads the whole file and counts its lines. */
function reader(open: () => Promise<(path: string) => Promise<number>>): Contender {
  return async () => {
    const count = await open()
    return { call: () => count(process.env[pathName] ?? '') }
  }
}

const readlineLoop = reader(async () => {
  const { createReadStream } = await import('node:fs')
  const { createInterface } = await import('node:readline')
  return async (path) => {
    let count = 0
    const input = createReadStream(path)
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      if (line !== '') count++
    }
    return count
  }
})

const readlineEvents = reader(async () => {
  const { createReadStream } = await import('node:fs')
  const { createInterface } = await import('node:readline')
  return async (path) => {
    let count = 0
    const reading = createInterface({ input: createReadStream(path), crlfDelay: Infinity })
    reading.on('line', (line) => {
      if (line !== '') count++
    })
    await once(reading, 'close')
    return count
  }
})

const readLines = reader(async () => {
  const { open } = await import('node:fs/promises')
  return async (path) => {
    let count = 0
    const file = await open(path)
    for await (const line of file.readLines()) if (line !== '') count++
    return count
  }
})

const split2Events = reader(async () => {
  const { createReadStream } = await import('node:fs')
  const { default: split } = await import('split2')
  return async (path) => {
    let count = 0
    const lines = createReadStream(path).pipe(split())
    lines.on('data', (line: string) => {
      if (line !== '') count++
    })
    await once(lines, 'end')
    return count
  }
})

const arrays = reader(async () => {
  const { lines } = await import('hotpath/stream')
  return async (path) => {
    let count = 0
    for await (const batch of lines(path).batches()) {
      for (const line of batch) if (line !== '') count++
    }
    return count
  }
})

const oneByOne = reader(async () => {
  const { lines } = await import('hotpath/stream')
  return async (path) => {
    let count = 0
    for await (const line of lines(path)) if (line !== '') count++
    return count
  }
})

const pythonProgram = `
import sys
for path in sys.stdin:
    count = 0
    with open(path.rstrip('\\n'), encoding='utf-8') as file:
        for line in file:
            if line != '':
                count += 1
    print(count, flush=True)
`

// One interpreter for all calls: its start is no part of the time.
const python: Contender = async () => {
  const { createInterface } = await import('node:readline')
  const child = spawn('python3', ['-c', pythonProgram], { stdio: ['pipe', 'pipe', 'inherit'] })
  const answers = createInterface({ input: child.stdout })
  return {
    call: async () => {
      child.stdin.write(`${process.env[pathName]}\n`)
      const [answer] = (await once(answers, 'line')) as [string]
      return Number(answer)
    },
    close: async () => {
      child.stdin.end()
      await once(child, 'exit')
    },
  }
}

const wc = reader(async () => {
  const run = promisify(execFile)
  return async (path) => Number.parseInt((await run('wc', ['-l', path])).stdout, 10)
})

function faster(contender: string, other: string) {
  return (figures: Figures) => figures.ratio('file', contender, other, 'perSecond')
}

const baseline = 'readline, for await'

const bench: Bench = {
  title: 'reading the lines of a file',
  settings: [
    `a log of ${fileBytes / 1e6} MB in the page cache, lines of 30 to 160 bytes, ASCII; "per second" counts files`,
    'every reader looks at every line; wc only counts line ends',
    'CPU and RSS of Python and wc are not in the table: they are processes of their own; RSS includes what the bench itself takes (some 85 MB)',
    'readline breaks lines at U+2028 and U+2029 too, which hotpath, Python and wc do not',
    'in worker threads: 20 rounds of SHA-256 for each line, on all cores, `map` beside `inWorkers` with two threads',
  ],
  peers: ['split2'],
  services: [],
  rounds: 3,
  processes: 'per-run',
  prepare: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hotpath-lines-'))
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
    const path = join(folder, 'access.log')
    process.env[countName] = String(await writeLog(path, fileBytes))
    process.env[pathName] = path
    const reading = await readInChild('arrays', path)
    ;({ peakRssMb } = reading)
    console.log(`\na process that reads arrays of lines holds ${peakRssMb.toFixed(0)} MB at most`)
    threadsRatio = await timesFasterInWorkers(path)
  },
  workloads: {
    file: {
      kind: 'callers',
      about: 'a file, read to its end',
      callers: 1,
      inputs: [0],
      check: (count) => String(count) === process.env[countName],
      warmupMs: 300,
      sliceMs: 700,
    },
  },
  contenders: {
    [baseline]: readlineLoop,
    'readline, events': readlineEvents,
    'FileHandle.readLines': readLines,
    'split2, events': split2Events,
    'Python, for line in file': python,
    'wc -l': wc,
    'hotpath, arrays of lines': arrays,
    'hotpath, single lines': oneByOne,
  },
  baseline,
  claims: [
    {
      claim: 'arrays of lines: at least 2.2 times as fast as readline in a for await',
      value: faster('hotpath, arrays of lines', baseline),
      atLeast: 2.2,
    },
    {
      claim: "arrays of lines: at least 1.5 times as fast as Python's file iteration",
      value: faster('hotpath, arrays of lines', 'Python, for line in file'),
      atLeast: 1.5,
    },
    {
      claim: 'single lines: at least 1.4 times as fast as readline in a for await',
      value: faster('hotpath, single lines', baseline),
      atLeast: 1.4,
    },
    {
      claim: 'a process that reads arrays of lines, and does nothing else, holds at most 90 MB',
      value: () => peakRssMb,
      atMost: 90,
    },
    {
      claim: 'inWorkers with two threads: at least 1.5 times as fast as one for a CPU-heavy map',
      value: () => threadsRatio,
      atLeast: 1.5,
    },
  ],
}

export default bench
