import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createManualClock } from './clock.ts'
import {
  activeTrace,
  needsRequestContext,
  requestContext,
  runInRequest,
  wantRequestContext,
  type RequestContext,
  type TraceEntry,
} from './context.ts'

const entry = (key: string): TraceEntry => ({
  kind: 'cache',
  atMs: 0,
  cache: 'users',
  key,
  verdict: 'hit',
})
const keys = (context: RequestContext | undefined) =>
  context?.trace?.entries.map((each) => (each.kind === 'cache' ? each.key : each.kind))

// First, since a process never stops wanting it.
test('a context is needed for a trace, and for every request once somebody wants it', () => {
  expect([0, 1].map(needsRequestContext)).toEqual([false, true])
  wantRequestContext()
  expect([0, 1].map(needsRequestContext)).toEqual([true, true])
})

describe('outside a request', () => {
  test('there is no context, and recording is harmless', () => {
    activeTrace()?.add(entry('nowhere'))
    expect(requestContext()).toBeUndefined()
    expect(activeTrace()).toBeUndefined()
  })
})

describe('within a request', () => {
  test('everything awaited sees the route and when it began; afterwards it is gone', async () => {
    const clock = createManualClock()
    clock.advance(40)
    const seen = await runInRequest({ route: '/users/:id', clock }, async () => {
      await turn()
      return requestContext()
    })
    expect(seen).toMatchObject({ route: '/users/:id', startedMs: 40, trace: undefined })
    expect(requestContext()).toBeUndefined()
  })

  test('nothing is traced unless it is asked for', () => {
    runInRequest({ route: '/' }, () => {
      expect(activeTrace()).toBeUndefined()
      activeTrace()?.add(entry('a'))
      expect(requestContext()?.trace).toBeUndefined()
    })
  })

  test('the trace keeps the first entries and counts the rest', () => {
    runInRequest({ route: '/', maxTraceEntries: 2 }, () => {
      expect(activeTrace()).toBeDefined()
      for (const key of ['a', 'b', 'c', 'd']) activeTrace()?.add(entry(key))
      expect(keys(requestContext())).toEqual(['a', 'b'])
      expect(requestContext()?.trace?.dropped).toBe(2)
    })
  })

  test('requests at the same time do not see each other', async () => {
    const contexts = await Promise.all(
      Array.from({ length: 50 }, (_, id) =>
        runInRequest({ route: `/${id}`, maxTraceEntries: 3 }, async () => {
          for (const step of ['a', 'b', 'c', 'd']) {
            activeTrace()?.add(entry(`${id}${step}`))
            await turn()
          }
          return requestContext()
        }),
      ),
    )
    for (const [id, context] of contexts.entries()) {
      expect(context?.route).toBe(`/${id}`)
      expect(keys(context)).toEqual([`${id}a`, `${id}b`, `${id}c`])
      expect(context?.trace?.dropped).toBe(1)
    }
  })

  test('an untraced request stays untraced beside a traced one, and an inner one has its own', () => {
    runInRequest({ route: '/outer', maxTraceEntries: 9 }, () => {
      runInRequest({ route: '/inner' }, () => {
        expect(activeTrace()).toBeUndefined()
        activeTrace()?.add(entry('inner'))
      })
      activeTrace()?.add(entry('outer'))
      expect(keys(requestContext())).toEqual(['outer'])
    })
  })

  test.each([[-1], [0.5], [Number.NaN]])('refuses to keep %d entries', (maxTraceEntries) => {
    expect(() => runInRequest({ route: '/', maxTraceEntries }, () => {})).toThrow(
      'maxTraceEntries must be a whole number of at least 0',
    )
  })
})
