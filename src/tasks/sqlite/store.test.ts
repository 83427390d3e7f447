import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { createManualClock } from '../../core/index.ts'
import type { NewTask, Outcome, WorkSettings } from '../engine.ts'
import type { ClaimedRow, Question, Report } from './protocol.ts'
import { Store } from './store.ts'

const root = mkdtempSync(join(tmpdir(), 'hotpath-store-'))
const opened: { close(): void }[] = []
const leaseMs = 1_500
let files = 0

afterEach(() => {
  for (const one of opened.splice(0)) one.close()
})
afterAll(() => rmSync(root, { recursive: true }))

/** A file, and processes that share it; each would have its thread. */
function newFile() {
  const file = join(root, `${++files}.db`)
  const clock = createManualClock()
  let setByMs = 0
  const time = { monotonicMs: () => clock.monotonicMs(), epochMs: () => clock.epochMs() + setByMs }
  const processes: Process[] = []
  return {
    file,
    start() {
      const process = new Process(new Store({ file, leaseMs, pollMs: 25, lockTimeoutMs: 50 }, time))
      processes.push(process)
      opened.push(process)
      return process
    },
    /** Somebody sets the time of the system. */
    setTime(byMs: number) {
      setByMs += byMs
    },
    /** Time goes by, in which every process polls that is not frozen. */
    pass(ms: number) {
      for (let leftMs = ms; leftMs > 0; leftMs -= 25) {
        clock.advance(25)
        for (const process of processes) if (!process.isFrozen) process.poll()
      }
    },
    /** Time goes by for nobody. */
    pause: (ms: number) => clock.advance(ms),
    lock() {
      const other = new DatabaseSync(file)
      opened.push(other)
      other.exec('begin immediate')
      return () => other.exec('rollback')
    },
  }
}

class Process {
  readonly #store: Store
  #ref = 0
  isFrozen = false
  readonly claims: ClaimedRow[] = []
  readonly stops: string[] = []

  constructor(store: Store) {
    this.#store = store
  }

  ask(question: Question): unknown {
    return this.askAll([question])[0]
  }

  /** In one batch. */
  askAll(questions: readonly Question[]): unknown[] {
    const requests = questions.map((question) => ({ ...question, ref: ++this.#ref }))
    const { answers } = this.#note(this.#store.serve(requests))
    const byRef = new Map<number, unknown>()
    for (const one of answers) byRef.set(one.ref, one.error === undefined ? one.value : one.error)
    return requests.map(({ ref }) => byRef.get(ref))
  }

  work(more: Partial<WorkSettings> = {}) {
    this.ask({ ask: 'work', settings: { ...settings, ...more } })
  }

  enqueue(count = 1) {
    this.askAll(
      Array.from({ length: count }, (_, n) => ({
        ask: 'enqueue',
        id: `${++this.#ref}.${n}`,
        task,
      })),
    )
  }

  complete(...rows: (ClaimedRow | undefined)[]): unknown[] {
    return this.askAll(rows.map((row) => settle(row, { state: 'completed', result: undefined })))
  }

  poll() {
    this.#note(this.#store.poll())
  }

  close() {
    this.#store.close()
  }

  #note(report: Report): Report {
    this.claims.push(...report.claims)
    this.stops.push(...report.stops.map(({ reason }) => reason))
    return report
  }
}

function settle(row: ClaimedRow | undefined, outcome: Outcome, isAgain = false): Question {
  if (row === undefined) throw new Error('nothing was claimed')
  return { ask: 'settle', seq: row.seq, claim: row.claim, outcome, effects: [], isAgain }
}

const settings: WorkSettings = {
  name: 't',
  concurrency: 10,
  rate: undefined,
  transactional: false,
  timeoutMs: undefined,
}

const task: NewTask = {
  name: 't',
  input: 'null',
  delayMs: 0,
  priority: 0,
  uniqueKey: undefined,
  maxAttempts: 4,
  resultTtlMs: 1_000,
  deadLetterTtlMs: 1_000,
  tick: undefined,
}

describe('a lease', () => {
  test('of a process that is gone runs out, and its task goes to another', () => {
    const file = newFile()
    const [one, other] = [file.start(), file.start()]
    one.work()
    other.work()
    one.enqueue()
    file.pass(500)
    const [gone, living] = one.claims.length > 0 ? [one, other] : [other, one]
    gone.isFrozen = true
    file.pass(leaseMs - 400)
    expect(living.claims).toEqual([])
    file.pass(600)
    expect(living.claims).toMatchObject([{ attempt: 2 }])
  })

  test('is lost by who was frozen, and he is told so', () => {
    const file = newFile()
    const [frozen, other] = [file.start(), file.start()]
    frozen.work()
    frozen.enqueue()
    file.pass(25)
    other.work()
    frozen.isFrozen = true
    file.pass(2 * leaseMs)
    frozen.isFrozen = false
    file.pass(100)
    expect(frozen.stops).toEqual(['lost'])
    expect(frozen.complete(frozen.claims[0])).toEqual([false])
    expect(other.complete(other.claims[0])).toEqual([true])
  })

  test.each([3_600_000, -3_600_000])(
    'is kept, and runs out in time, when the time of the system is set by %d ms',
    (byMs) => {
      const file = newFile()
      const [one, other] = [file.start(), file.start()]
      one.work()
      one.enqueue()
      other.work()
      file.pass(500)
      file.setTime(byMs)
      file.pass(3 * leaseMs)
      expect(other.claims).toEqual([])
      expect(one.stops).toEqual([])
      one.isFrozen = true
      file.pass(leaseMs + 500)
      expect(other.claims).toHaveLength(1)
    },
  )

  test('is nobody’s to take when all were away, the whole machine perhaps', () => {
    const file = newFile()
    const [one, other] = [file.start(), file.start()]
    one.work()
    one.enqueue()
    other.work()
    file.pass(500)
    file.pause(60_000)
    other.poll()
    file.pass(2 * leaseMs)
    expect(other.claims).toEqual([])
    expect(one.complete(one.claims[0])).toEqual([true])
  })

  test('does not outlast a time limit by much where the event loop is stuck', () => {
    const file = newFile()
    const [stuck, other] = [file.start(), file.start()]
    stuck.work({ timeoutMs: 1_000 })
    stuck.enqueue()
    other.work({ timeoutMs: 1_000 })
    file.pass(10_000)
    expect(other.claims).toEqual([])
    file.pass(7_000)
    expect(other.claims).toMatchObject([{ attempt: 2 }])
    expect(stuck.stops).toEqual(['lost'])
    expect(stuck.complete(stuck.claims[0])).toEqual([false])
  })
})

describe('the time of the system that is set back', () => {
  test('holds up nothing: not what was refused before, and not what a rate lets begin', () => {
    const file = newFile()
    const process = file.start()
    process.enqueue()
    const unlock = file.lock()
    process.work()
    unlock()
    file.setTime(-3_600_000)
    file.pass(1_000)
    expect(process.claims).toHaveLength(1)
  })

  test('does not count against a rate', () => {
    const file = newFile()
    const process = file.start()
    process.work({ rate: { limit: 1, perMs: 60_000 } })
    process.enqueue(2)
    file.pass(100)
    expect(process.claims).toHaveLength(1)
    file.setTime(-3_600_000)
    file.pass(100)
    expect(process.claims).toHaveLength(2)
  })
})

describe('what is ended', () => {
  test('is deleted as fast as it comes', () => {
    const file = newFile()
    const process = file.start()
    process.work({ concurrency: 5_000 })
    process.enqueue(5_000)
    file.pass(100)
    process.complete(...process.claims)
    file.pass(5_000)
    const reader = new DatabaseSync(file.file)
    opened.push(reader)
    expect(reader.prepare('select count(*) as n from hotpath_tasks').get()).toEqual({ n: 0 })
  })
})

describe('a store that refuses', () => {
  test('keeps outcomes until it takes them, or is given up', () => {
    const file = newFile()
    const process = file.start()
    process.work()
    process.enqueue(2)
    const unlock = file.lock()
    expect(process.complete(process.claims[0])).toEqual([undefined])
    process.ask({ ask: 'giveUp' })
    expect(process.complete(process.claims[1])).toMatchObject([{ sqliteCode: 5 }])
    unlock()
  })
})

describe('a thread that follows another', () => {
  const start = (rows: number) => {
    const file = newFile()
    const [first, other] = [file.start(), file.start()]
    first.work()
    first.enqueue(rows)
    first.isFrozen = true
    return { file, first, other }
  }
  const completed: Outcome = { state: 'completed', result: '1' }

  test('keeps what its process runs, under a lease of its own', () => {
    const { file, first, other } = start(2)
    const next = file.start()
    next.ask({ ask: 'adopt', works: [settings], rows: first.claims, isGivingUp: false })
    other.work()
    file.pass(3 * leaseMs)
    expect([next.claims, next.stops, other.claims]).toEqual([[], [], []])
    expect(next.complete(...first.claims)).toEqual([true, true])
  })

  test('leaves to all what the other had claimed and could not tell', () => {
    const { file, first } = start(2)
    const [known, untold] = first.claims
    const next = file.start()
    next.ask({ ask: 'adopt', works: [settings], rows: known ? [known] : [], isGivingUp: false })
    expect(next.claims).toEqual([])
    file.pass(2 * leaseMs)
    expect(next.claims).toMatchObject([{ id: untold?.id, attempt: 2 }])
    expect(next.complete(untold, known)).toEqual([false, true])
  })

  test('hears what was taken over before it came', () => {
    const { file, first, other } = start(1)
    other.work()
    file.pass(2 * leaseMs)
    expect(other.claims).toMatchObject([{ attempt: 2 }])
    const next = file.start()
    next.ask({ ask: 'adopt', works: [settings], rows: first.claims, isGivingUp: false })
    expect(next.stops).toEqual(['lost'])
    expect(next.complete(first.claims[0])).toEqual([false])
    expect(other.complete(other.claims[0])).toEqual([true])
  })

  test('knows the outcomes that the other has stored', () => {
    const { file, first } = start(3)
    const [done, retried, open] = first.claims
    const error = { name: 'Error', message: 'no luck', code: undefined, stack: undefined }
    const failed: Outcome = { state: 'failed', error, retryInMs: 5_000 }
    first.askAll([settle(done, completed), settle(retried, failed)])
    const next = file.start()
    next.ask({ ask: 'adopt', works: [settings], rows: first.claims, isGivingUp: false })
    const again = [settle(done, completed, true), settle(retried, failed, true)]
    expect(next.askAll(again)).toEqual([true, true])
    expect(next.ask(settle(done, failed, true))).toBe(false)
    expect(next.ask(settle(open, completed, true))).toBe(true)
  })
})
