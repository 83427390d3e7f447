import { beforeEach, describe, expect, test } from 'vitest'
import { Circuit, isReply } from './circuit.ts'
import { createManualClock, type ManualClock } from './clock.ts'

let clock: ManualClock
let troubles: string[]
let probes: PromiseWithResolvers<void>[]
let isSettled: boolean
let circuit: Circuit

beforeEach(() => {
  clock = createManualClock()
  troubles = []
  probes = []
  isSettled = true
  circuit = new Circuit({
    owner: 'the cache',
    timeoutMs: 50,
    clock,
    probe: () => {
      const probe = Promise.withResolvers<void>()
      probes.push(probe)
      return probe.promise
    },
    isSettled: () => isSettled,
    onTrouble: (operation) => troubles.push(operation),
  })
})

const never = () => new Promise<string>(() => {})
// What a promise that is settled already does next is done after a turn of the event loop.
const turn = () => new Promise(setImmediate)

describe('a call', () => {
  test('that is answered in time is handed out', async () => {
    expect(await circuit.run('read', async () => 'value')).toBe('value')
    clock.advance(1_000)
    expect(circuit.isOpen).toBe(false)
    expect(troubles).toEqual([])
  })

  test('that is not opens the circuit; those that come after do not wait', async () => {
    const first = circuit.run('read', never)
    clock.advance(50)
    expect(await first).toBeUndefined()
    expect(circuit.isOpen).toBe(true)
    let isSent = false
    const second = circuit.run('read', async () => (isSent = true))
    expect(await second).toBeUndefined()
    expect(isSent).toBe(false)
    expect(troubles).toEqual(['read'])
  })

  test('that fails opens it as well, unless Redis itself has replied', async () => {
    await circuit.run('read', () => Promise.reject(new Error('WRONGTYPE Operation against a key')))
    expect(circuit.isOpen).toBe(false)
    await circuit.run('read', () => Promise.reject(new Error('Socket closed unexpectedly')))
    expect(circuit.isOpen).toBe(true)
    expect(circuit.errors).toBe(2)
  })
})

test('a call waits no longer than it may, though a timer takes a millisecond at least', async () => {
  const limited = new Circuit({
    owner: 'the cache',
    timeoutMs: 50,
    clock: { ...clock, after: (delayMs, run) => clock.after(Math.max(1, delayMs), run) },
    probe: async () => {},
    isSettled: () => true,
    onTrouble: () => {},
  })
  const call = limited.run('read', never)
  clock.advance(50)
  await turn()
  expect(limited.isOpen).toBe(true)
  expect(await call).toBeUndefined()
})

test('what is sent after the deadline can know that nobody waits', async () => {
  const answered = Promise.withResolvers<void>()
  let wasOver: boolean | undefined
  const late = circuit.run('set', async (attempt) => {
    expect(attempt.isOver).toBe(false)
    await answered.promise
    wasOver = attempt.isOver
  })
  clock.advance(50)
  await late
  answered.resolve()
  await turn()
  expect(wasOver).toBe(true)
})

test('of those who ask at once only so many are sent, until answers come', async () => {
  const answer = Promise.withResolvers<string>()
  let sent = 0
  const ask = () => {
    sent++
    return answer.promise
  }
  const asking = Array.from({ length: 10_100 }, () => circuit.run('read', ask))
  expect(sent).toBe(10_000)
  expect(await asking.at(-1)).toBeUndefined()
  answer.resolve('answer')
  expect(await asking[0]).toBe('answer')
  expect(circuit.isOpen).toBe(false)
  await turn()
  expect(await circuit.run('read', ask)).toBe('answer')
})

describe('an open circuit', () => {
  beforeEach(() => circuit.trip())

  test('is probed by one probe at a time, and closed by the one that succeeds', async () => {
    clock.advance(10_000)
    expect(probes).toHaveLength(1)
    probes[0]?.reject(new Error('still away'))
    await turn()
    clock.advance(250)
    expect(probes).toHaveLength(2)
    expect(circuit.isOpen).toBe(true)
    probes[1]?.resolve()
    await turn()
    expect(circuit.isOpen).toBe(false)
    expect(await circuit.run('read', async () => 'value')).toBe('value')
    clock.advance(10_000)
    expect(probes).toHaveLength(2)
  })

  test('is not closed by a probe that took longer than a call may', async () => {
    clock.advance(250)
    clock.advance(51)
    probes[0]?.resolve()
    await turn()
    expect(circuit.isOpen).toBe(true)
    clock.advance(250)
    clock.advance(50)
    probes[1]?.resolve()
    await turn()
    expect(circuit.isOpen).toBe(false)
  })

  test('stays open while something is owed that came after the probe', async () => {
    isSettled = false
    clock.advance(250)
    probes[0]?.resolve()
    await turn()
    expect(circuit.isOpen).toBe(true)
    isSettled = true
    clock.advance(250)
    probes[1]?.resolve()
    await turn()
    expect(circuit.isOpen).toBe(false)
  })

  test('is not probed any more once it is given up', async () => {
    circuit.close()
    clock.advance(10_000)
    expect(probes).toHaveLength(0)
  })
})

test.each([
  ['ERR unknown command', true],
  ["OOM command not allowed when used memory > 'maxmemory'.", true],
  ['READONLY You can not write against a read only replica.', true],
  ['connect ECONNREFUSED 127.0.0.1:6379', false],
  ['Connection is closed.', false],
  ['The client is closed', false],
  ['', false],
])('%j is a reply: %s', (message, expected) => {
  expect(isReply(new Error(message))).toBe(expected)
})
