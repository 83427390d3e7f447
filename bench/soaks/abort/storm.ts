import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Beginning, Holdings, Report } from './messages.ts'
import { Visitor, type Visit } from './visitor.ts'

export interface StormOptions extends Beginning {
  readonly requests: number
  readonly seed: number
  readonly progress?: (done: number) => void
}

export interface StormOutcome {
  readonly requests: number
  readonly aborted: number
  readonly bodies: number
  readonly streams: number
  readonly rssBytes: number
  /** By how much more memory is held at the end than after the warm-up: 0.02 is 2 %. */
  readonly growth: number
  /** Handles and requests of the event loop that there were not before the first request. */
  readonly leaked: number
  /** Bodies that the compressor still works on, or believes to. */
  readonly pending: number
}

/**
 * What glibc begins with. Left to itself it raises them whenever something large is freed, as a
 * compressor's window is; then it gives little back, and RSS follows its fragments for a million requests.
 */
const fixedThresholds = { MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '131072' }

const visitors = 24
/** After each the server is left alone and asked what it holds. */
const slices = 20
/** The first half is the warm-up; the last fifth of it and the last fifth of all are compared. */
const compared = slices / 4
const settleMs = 5_000

/** Asks a server in a process of its own, and goes away in the middle of every fifth answer. */
export async function storm(options: StormOptions): Promise<StormOutcome> {
  const { requests, seed, progress } = options
  const { child, port } = await start(options)
  try {
    const before = await holdings(child)
    const random = randomFrom(seed)
    const rss: number[] = []
    let after = before
    let asked = 0
    let aborted = 0
    for (let slice = 1; slice <= slices; slice++) {
      const until = Math.round((requests * slice) / slices)
      const visit = async () => {
        const visitor = new Visitor(port)
        while (asked < until) {
          asked++
          progress?.(asked)
          const next = nextVisit(random)
          if (next.leaves !== 'never') aborted++
          await visitor.visit(next)
        }
        visitor.close()
      }
      await Promise.all(Array.from({ length: visitors }, visit))
      after = await settled(child, before)
      rss.push(after.rssBytes)
    }
    const { rssBytes, pending, bodies, streams } = after
    const warm = median(rss.slice(slices / 2 - compared, slices / 2))
    const growth = median(rss.slice(-compared)) / warm - 1
    const leaked = leakedSince(before, after)
    return { requests, aborted, bodies, streams, rssBytes, growth, leaked, pending }
  } finally {
    child.kill('SIGKILL')
  }
}

async function start({ framework, adapter, core }: Beginning) {
  const file = fileURLToPath(new URL('./server.ts', import.meta.url))
  const child = fork(file, [JSON.stringify({ framework, adapter, core })], {
    execArgv: ['--expose-gc'],
    env: { ...process.env, ...fixedThresholds, NODE_ENV: 'production' },
  })
  const [report] = (await once(child, 'message')) as [Report]
  if (!('port' in report)) throw new Error('the server did not say where it listens')
  return { child, port: report.port }
}

async function holdings(child: ChildProcess): Promise<Holdings> {
  child.send('holds')
  const [report] = (await once(child, 'message')) as [Report]
  if (!('holds' in report)) throw new Error('the server did not say what it holds')
  return report.holds
}

/** What the server holds once it has noticed that everybody has gone, or should have. */
async function settled(child: ChildProcess, before: Holdings): Promise<Holdings> {
  const deadlineMs = performance.now() + settleMs
  for (;;) {
    const now = await holdings(child)
    if (performance.now() > deadlineMs) return now
    if (now.pending === 0 && leakedSince(before, now) === 0) return now
    await pause(20)
  }
}

function leakedSince(before: Holdings, after: Holdings): number {
  const more = Object.entries(after.resources).map(
    ([kind, count]) => count - (before.resources[kind] ?? 0),
  )
  return more.reduce((sum, count) => sum + Math.max(0, count), 0)
}

const codings = ['gzip', 'br', 'zstd']

// Of a hundred answers two go to a thread and ten are streams; one in five is not waited for.
function nextVisit(random: () => number): Visit {
  const place = random()
  const path = place < 0.02 ? '/threaded' : place < 0.12 ? '/stream' : '/whole'
  const coding = codings[Math.floor(random() * codings.length)] ?? 'gzip'
  const fate = random()
  return { path, coding, leaves: fate < 0.1 ? 'at once' : fate < 0.2 ? 'in the middle' : 'never' }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}

// mulberry32
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
