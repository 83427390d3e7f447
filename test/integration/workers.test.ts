import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, describe, expect, expectTypeOf, test, vi } from 'vitest'
import { components, HotpathError, listen } from '../../src/index.ts'
import { createWorkers, type Workers, type WorkersOptions } from '../../src/workers/index.ts'
import type * as functions from '../workers/functions.ts'

type Functions = typeof functions

const moduleUrl = new URL('../workers/functions.ts', import.meta.url)
const made: Workers<Functions>[] = []

function workersOf(options: WorkersOptions = {}): Workers<Functions> {
  const workers = createWorkers<Functions>(moduleUrl, { maxThreads: 1, ...options })
  made.push(workers)
  return workers
}

afterEach(async () => {
  await Promise.all(made.splice(0).map((workers) => workers.close()))
})

function sharedInts(length: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(4 * length))
}

/** Lets `hold()` go. */
function letGo(gate: Int32Array): void {
  Atomics.store(gate, 1, 1)
  Atomics.notify(gate, 1)
}

const begun = (gate: Int32Array) => vi.waitUntil(() => Atomics.load(gate, 0) > 0, 10_000)
const codeOf = (code: string) => expect.objectContaining({ name: 'HotpathError', code })

describe('a check', () => {
  test('finds a function without running it, and says what is there where it is not', async () => {
    const workers = workersOf()
    // Run, it would end its thread.
    await workers.check('exit')
    expect(workers.stats()).toMatchObject({ completed: 0, inProgress: 0, threadsLost: 0 })
    await expect(workers.check('no-such' as 'exit')).rejects.toEqual(
      codeOf('HOTPATH_WORKERS_MODULE_INVALID'),
    )
    expect(await workers.run('double', 21)).toBe(42)
  })
})

describe('a call', () => {
  test('runs a function of the module and answers what it returns', async () => {
    const workers = workersOf()
    expect(await workers.run('double', 21)).toBe(42)
    expect(await workers.run('later', 3)).toBe(3)
    expect(await workers.run('nothing')).toBe('done')
    const rich = {
      when: new Date(5),
      map: new Map([[1, new Set(['a'])]]),
      big: 3n,
      none: undefined,
    }
    expect(await workers.run('echo', rich)).toEqual(rich)
  })

  test('has the types of the function', () => {
    const workers = workersOf()
    expectTypeOf(workers.run<'double'>)
      .parameter(1)
      .toEqualTypeOf<number>()
    expectTypeOf(workers.run<'double'>).returns.resolves.toEqualTypeOf<number>()
    expectTypeOf(workers.run<'later'>).returns.resolves.toEqualTypeOf<number>()
    expectTypeOf(workers.run<'nothing'>)
      .parameter(1)
      .toEqualTypeOf<undefined>()
    // @ts-expect-error no such function
    void (() => workers.run('version'))
    // @ts-expect-error a text where a number belongs
    void (() => workers.run('double', '2'))
    // @ts-expect-error no input
    void (() => workers.run('double'))
  })

  test('rejects with what the function throws', async () => {
    const workers = workersOf()
    const error: unknown = await workers.run('fail', 'E_RANGE').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(RangeError)
    expect(error).toMatchObject({ message: 'out of range', code: 'E_RANGE' })
    expect((error as Error).stack).toContain('functions.ts')
    await expect(workers.run('throwText', 'just text')).rejects.toBe('just text')
  })

  test('moves buffers there and back instead of copying them', async () => {
    const workers = workersOf()
    const sent = new Uint8Array(1_000)
    const back = await workers.run('echo', sent, { transfer: [sent.buffer] })
    expect(back).toHaveLength(1_000)
    expect(sent).toHaveLength(0)
    expect(await workers.run('bytes', 3)).toEqual(new Uint8Array([7, 7, 7]))
  })

  test('hears how far the function has come', async () => {
    const workers = workersOf()
    const heard: unknown[] = []
    await workers.run('steps', 3, { onProgress: (step) => heard.push(step) })
    expect(heard).toEqual([1, 2, 3])
    const failing = workers.run('steps', 3, {
      onProgress: () => {
        throw new Error('not interested')
      },
    })
    await expect(failing).rejects.toThrow('not interested')
    expect(await workers.run('double', 1)).toBe(2)
  })
})

describe('what cannot be', () => {
  test('a module that does not exist, or is no file', () => {
    expect(() => createWorkers(new URL('./none.ts', import.meta.url))).toThrow(
      codeOf('HOTPATH_WORKERS_MODULE_INVALID'),
    )
    expect(() => createWorkers('./functions.ts')).toThrow(codeOf('HOTPATH_OPTION_INVALID'))
    expect(() => createWorkers('https://example.com/a.js')).toThrow(
      codeOf('HOTPATH_OPTION_INVALID'),
    )
  })

  test('a module that does not load, for every call again', async () => {
    const broken = createWorkers<Functions>(
      new URL('../workers/throws-on-load.ts', import.meta.url),
    )
    made.push(broken)
    for (const n of [1, 2]) {
      await expect(broken.run('double', n)).rejects.toMatchObject({
        code: 'HOTPATH_WORKERS_MODULE_INVALID',
        message: expect.stringContaining('no licence') as string,
      })
    }
  })

  test('a function that the module does not export', async () => {
    const workers = workersOf()
    for (const name of ['trouble', 'version', 'toString', 'hasOwnProperty']) {
      await expect(workers.run(name as 'double', 1)).rejects.toMatchObject({
        code: 'HOTPATH_WORKERS_MODULE_INVALID',
        message: expect.stringContaining('double') as string,
      })
    }
  })

  test('an input or a result that cannot be cloned', async () => {
    const workers = workersOf()
    await expect(workers.run('echo', () => 1)).rejects.toThrow(
      codeOf('HOTPATH_WORKERS_VALUE_INVALID'),
    )
    await expect(workers.run('giveFunction')).rejects.toThrow(
      codeOf('HOTPATH_WORKERS_VALUE_INVALID'),
    )
    expect(workers.stats()).toMatchObject({ failed: 2, threadsLost: 0, inProgress: 0 })
  })

  test('options that nobody knows, or that contradict each other', () => {
    for (const options of [
      { threads: 2 },
      { minThreads: 3, maxThreads: 2 },
      { queueLimit: -1 },
      { timeoutMs: 0 },
      { memoryLimitBytes: 1_000 },
    ]) {
      expect(() => createWorkers(moduleUrl, options)).toThrow(codeOf('HOTPATH_OPTION_INVALID'))
    }
  })
})

describe('a call that is given up', () => {
  test('stops its thread, and those that waited behind it run once each', async () => {
    const workers = workersOf()
    const [gate, counts] = [sharedInts(2), sharedInts(6)]
    const abort = new AbortController()
    const held = workers.run('hold', gate, { signal: abort.signal })
    const behind = [0, 1, 2, 3, 4, 5].map((at) => workers.run('count', { counts, at }))
    await begun(gate)
    abort.abort(new Error('changed my mind'))
    await expect(held).rejects.toThrow('changed my mind')
    expect(await Promise.all(behind)).toEqual([0, 1, 2, 3, 4, 5])
    expect([...counts]).toEqual([1, 1, 1, 1, 1, 1])
    expect(workers.stats()).toMatchObject({ aborts: 1, threadsLost: 1, completed: 6 })
  })

  test('does not run when it had not begun, and stops nobody', async () => {
    const workers = workersOf()
    const [gate, counts] = [sharedInts(2), sharedInts(20)]
    const abort = new AbortController()
    const held = workers.run('hold', gate)
    await begun(gate)
    // Some of these are at the thread, and some are in the queue.
    const doomed = Array.from({ length: 20 }, (_, at) =>
      workers.run('count', { counts, at }, { signal: abort.signal }),
    )
    abort.abort()
    for (const { status } of await Promise.allSettled(doomed)) expect(status).toBe('rejected')
    letGo(gate)
    expect(await held).toBe('let go')
    expect(await workers.run('double', 2)).toBe(4)
    expect([...counts].every((count) => count === 0)).toBe(true)
    expect(workers.stats()).toMatchObject({ aborts: 20, threadsLost: 0 })
  })

  test('with a signal that is aborted already, is not even sent', async () => {
    const workers = workersOf()
    const gone = AbortSignal.abort(new Error('gone'))
    await expect(workers.run('double', 1, { signal: gone })).rejects.toThrow('gone')
  })

  test('in an endless loop, by its time limit', async () => {
    const workers = workersOf({ timeoutMs: 300 })
    await expect(workers.run('spin', Infinity)).rejects.toThrow(codeOf('HOTPATH_WORKERS_TIMEOUT'))
    expect(await workers.run('double', 4, { timeoutMs: false })).toBe(8)
    await expect(workers.run('spin', Infinity, { timeoutMs: 10 })).rejects.toThrow(/after 10 ms/)
    expect(workers.stats()).toMatchObject({ timeouts: 2 })
  })

  test('by its time limit before it had begun', async () => {
    const workers = workersOf()
    const gate = sharedInts(2)
    const held = workers.run('hold', gate)
    await begun(gate)
    await expect(workers.run('double', 1, { timeoutMs: 20 })).rejects.toThrow(/had not begun/)
    letGo(gate)
    await held
  })
})

describe('a thread that fails', () => {
  test('out of memory fails the call that filled it, and no other', async () => {
    const workers = workersOf({ memoryLimitBytes: 32 * 2 ** 20 })
    const greedy = workers.run('fill')
    const modest = [1, 2, 3].map((n) => workers.run('double', n))
    await expect(greedy).rejects.toThrow(codeOf('HOTPATH_WORKERS_OUT_OF_MEMORY'))
    expect(await Promise.all(modest)).toEqual([2, 4, 6])
  })

  test('by exit or an error aside fails its call, and no other', async () => {
    const workers = workersOf()
    const exits = workers.run('exit')
    const aside = workers.run('throwAside')
    const modest = [1, 2, 3].map((n) => workers.run('double', n))
    await expect(exits).rejects.toThrow(codeOf('HOTPATH_WORKERS_THREAD_DIED'))
    await expect(aside).rejects.toMatchObject({
      code: 'HOTPATH_WORKERS_THREAD_DIED',
      cause: expect.objectContaining({ message: 'aside' }) as Error,
    })
    expect(await Promise.all(modest)).toEqual([2, 4, 6])
  })

  test('again and again, under a load of others, runs none of them twice and loses none', async () => {
    const workers = workersOf({ maxThreads: 2 })
    const counts = sharedInts(600)
    const calls = Array.from({ length: 600 }, (_, at) => {
      if (at % 60 === 30) void workers.run('exit').catch(() => {})
      return workers.run(at % 2 === 0 ? 'count' : 'countLater', { counts, at })
    })
    expect(await Promise.all(calls)).toEqual(Array.from(counts, (_, at) => at))
    expect([...counts].every((count) => count === 1)).toBe(true)
    expect(workers.stats().threadsLost).toBe(10)
  })
})

describe('threads and their queue', () => {
  test('refuse what is beyond the queue', async () => {
    const workers = workersOf({ queueLimit: 2 })
    const gate = sharedInts(2)
    const taken = [workers.run('hold', gate), workers.run('double', 1), workers.run('double', 2)]
    await expect(workers.run('double', 3)).rejects.toThrow(codeOf('HOTPATH_WORKERS_QUEUE_FULL'))
    expect(workers.stats()).toMatchObject({ inProgress: 3, refused: 1 })
    letGo(gate)
    expect(await Promise.all(taken)).toEqual(['let go', 2, 4])
    expect(await workers.run('double', 3)).toBe(6)
  })

  test('do not leave a call behind a long one while another thread has time', async () => {
    const workers = workersOf({ minThreads: 2, maxThreads: 2 })
    const gates = [sharedInts(2), sharedInts(2)] as const
    const held = gates.map((gate) => workers.run('hold', gate))
    await Promise.all(gates.map(begun))
    const behind = Array.from({ length: 12 }, (_, n) => workers.run('double', n))
    letGo(gates[0])
    expect(await Promise.all(behind)).toHaveLength(12)
    letGo(gates[1])
    expect(await Promise.all(held)).toEqual(['let go', 'let go'])
    expect(workers.stats().threadsLost).toBe(0)
  })

  test('are as many as there is work for, and tell how busy they are', async () => {
    const workers = workersOf({ name: 'sums', minThreads: 0, maxThreads: 3, maxIdleMs: 50 })
    expect(workers.stats().threads).toBe(0)
    const gates = [sharedInts(2), sharedInts(2), sharedInts(2)]
    const held = gates.map((gate) => workers.run('hold', gate))
    await Promise.all(gates.map(begun))
    expect(workers.stats()).toMatchObject({ threads: 3, inProgress: 3 })
    expect(components()).toContainEqual(
      expect.objectContaining({ kind: 'workers', name: 'sums' }) as object,
    )
    gates.forEach(letGo)
    await Promise.all(held)
    const { waits, runs, utilisationRatio } = workers.stats()
    expect([waits.count, runs.count]).toEqual([3, 3])
    expect(utilisationRatio).toBeGreaterThan(0)
    expect(utilisationRatio).toBeLessThanOrEqual(1)
    await vi.waitUntil(() => workers.stats().threads === 0, 10_000)
    expect(await workers.run('double', 1)).toBe(2)
  })

  test('are heard of by those who listen', async () => {
    const workers = workersOf({ name: 'heard' })
    const heard: unknown[] = []
    const stops = [
      listen('hotpath:workers:call', (event) => heard.push(event)),
      listen('hotpath:workers:thread-lost', (event) => heard.push(event)),
    ]
    await workers.run('double', 1)
    await workers.run('spin', Infinity, { timeoutMs: 5 }).catch(() => {})
    for (const stop of stops) stop()
    expect(heard).toEqual([
      expect.objectContaining({ workers: 'heard', name: 'double', error: undefined }),
      expect.objectContaining({ name: 'spin', error: expect.any(HotpathError) as Error }),
      { workers: 'heard', error: undefined },
    ])
  })

  test('give a hint, once, where cloning costs more than the work', async () => {
    const workers = workersOf()
    const hints: unknown[] = []
    const stop = listen('hotpath:workers:clone-cost', (event) => hints.push(event))
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const rows = Array.from({ length: 5_000 }, (_, id) => ({ id, name: `name ${id}` }))
    for (let call = 0; call < 40; call++) {
      await workers.run('ignore', rows)
      await workers.run('spin', 1)
    }
    stop()
    expect(hints).toHaveLength(2)
    expect(warn).toHaveBeenCalledOnce()
    expect(warn.mock.calls[0]?.[0]).toContain('ignore()')
    warn.mockRestore()
  })
})

describe('close()', () => {
  test('waits for what there is, and takes nothing more', async () => {
    const workers = workersOf()
    const calls = Array.from({ length: 20 }, (_, n) => workers.run('later', n))
    const closed = workers.close()
    await expect(workers.run('double', 1)).rejects.toThrow(codeOf('HOTPATH_COMPONENT_CLOSED'))
    expect(await Promise.all(calls)).toHaveLength(20)
    await closed
    expect(workers.stats().threads).toBe(0)
  })

  test('does not wait for ever', async () => {
    const workers = workersOf({ drainTimeoutMs: 50 })
    const calls = Promise.allSettled([workers.run('spin', Infinity), workers.run('double', 1)])
    await workers.close()
    for (const result of await calls) {
      expect(result).toMatchObject({ reason: { code: 'HOTPATH_COMPONENT_CLOSED' } })
    }
  })

  test.each(['../../src/workers/index.ts', 'hotpath/workers'])(
    'or work that is done leave nothing that keeps a process open: %s',
    async (door) => {
      const program = `
        const { createWorkers } = await import(${JSON.stringify(door)})
        const workers = createWorkers(${JSON.stringify(moduleUrl.href)}, { name: 'child' })
        console.log(await workers.run('double', 4))
        // Nobody closes it.
      `
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--input-type=module', '--eval', program],
        { cwd: fileURLToPath(new URL('.', import.meta.url)), timeout: 20_000 },
      )
      expect(stdout).toBe('8\n')
    },
  )
})
