import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Crew } from './crew.ts'
import { engines, type EngineKind, type TasksRoom } from './engines.ts'
import { taskName, type Note, type Signature } from './messages.ts'

/** What a storm is run with. */
export interface StormGiven {
  readonly core: string
  readonly tasks: string
  readonly kind: EngineKind
  /** The file or URL of the store; undefined: a file of its own. */
  readonly address?: string | undefined
  readonly kills: number
  /** One of so many faults is a freeze for this time, instead of a kill. */
  readonly freezeEvery: number
  readonly freezeMs: number
  readonly seed: number
  readonly progress?: (done: number) => void
}

/** What came of it. */
export interface StormOutcome {
  readonly tasks: number
  readonly kills: number
  readonly freezes: number
  /** Acknowledged tasks that are not completed in the end. */
  readonly lost: number
  /** Completions beyond the first of a task. */
  readonly repeatedCompletions: number
  /** Tasks completed by another attempt than the last. */
  readonly fencedCompletions: number
  /** Attempts beyond the first of a task: at-least-once execution, openly. */
  readonly reExecutions: number
  /** From each kill until another process began what the victim had begun; the latest of its tasks. */
  readonly takeoverMs: readonly number[]
}

const workerCount = 3
const tasksPerFault = 25
const taskMs = 120

/** Kills and freezes workers in the middle of their tasks while more are enqueued. */
export async function storm(given: StormGiven): Promise<StormOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'hotpath-crash-'))
  const random = createRandom(given.seed)
  const { core, tasks: tasksUrl, kind } = given
  const address = given.address ?? join(folder, 'tasks.db')
  const room = (await import(tasksUrl)) as TasksRoom
  const logFile = join(folder, 'log.jsonl')
  await using crew = new Crew({ core, tasks: tasksUrl, kind, address, logFile, taskMs })
  await using client = room.createTasks({ engine: await engines[kind](room, address) })
  const task = client.define(taskName, {
    retries: 50,
    run: (_input: unknown): Signature => ({ pid: 0, attempt: 0 }),
  })
  const ids: string[] = []
  const enqueue = async () => {
    const asked = Array.from({ length: tasksPerFault }, () => task.enqueue(ids.length))
    ids.push(...(await Promise.all(asked)).map(({ id }) => id))
  }
  const kills: { pid: number; atMs: number }[] = []
  let freezes = 0
  await enqueue()
  await crew.add(workerCount)
  while (kills.length < given.kills) {
    await enqueue()
    if ((kills.length + freezes) % given.freezeEvery === given.freezeEvery - 1) {
      await crew.freeze(random, given.freezeMs)
      freezes++
    } else {
      kills.push(await crew.kill(random))
      await crew.add(1)
    }
    given.progress?.(kills.length)
    await setTimeout(random() * 100)
  }
  const completedBy = new Map<string, { attempts: number; by: Signature }>()
  for (const id of ids) {
    const status = await task.wait(id, { timeoutMs: 120_000 })
    if (status?.state !== 'completed') continue
    completedBy.set(id, { attempts: status.attempts, by: status.result })
  }
  const notes = crew.notes()
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  const finals = [...completedBy.values()]
  return {
    tasks: ids.length,
    kills: kills.length,
    freezes,
    lost: ids.length - completedBy.size,
    repeatedCompletions: countRepeated(notes),
    fencedCompletions: finals.filter(({ attempts, by }) => by.attempt !== attempts).length,
    reExecutions: notes.filter(({ what, attempt }) => what === 'begun' && attempt > 1).length,
    takeoverMs: kills.flatMap((kill) => takeoverAfter(kill, notes)),
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Infinity
}

function countRepeated(notes: readonly Note[]): number {
  const seen = new Set<string>()
  let repeated = 0
  for (const { what, id } of notes) {
    if (what !== 'completed') continue
    if (seen.has(id)) repeated++
    seen.add(id)
  }
  return repeated
}

/** How long it took until the last task that the victim had in hand was begun by another. */
function takeoverAfter({ pid, atMs }: { pid: number; atMs: number }, notes: readonly Note[]) {
  const inHand = new Map<string, Note>()
  for (const note of notes) {
    if (note.pid !== pid) continue
    if (note.what === 'begun') inHand.set(note.id, note)
    else inHand.delete(note.id)
  }
  const times: number[] = []
  for (const { id, attempt } of inHand.values()) {
    const next = notes.find(
      (note) => note.what === 'begun' && note.id === id && note.attempt > attempt,
    )
    // Without a next attempt its completion was in the store before the kill, and only not noted.
    if (next !== undefined) times.push(next.atMs - atMs)
  }
  return times.length === 0 ? [] : [Math.max(...times)]
}

/** Mulberry32: the same faults for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
