import { afterEach, describe } from 'vitest'
import { createManualClock } from '../../src/core/index.ts'
import type { AppPlan, RunningApp } from './adapters/app.ts'
import { bodies } from './adapters/bodies.ts'
import { failures } from './adapters/failures.ts'
import { storedResponses } from './adapters/stored-responses.ts'
import type { Differences, Suite } from './adapters/suite.ts'
import { viewers } from './adapters/viewers.ts'
import { writes } from './adapters/writes.ts'

type Adapter = 'express' | 'fastify' | 'hono' | 'node:http'

/** All that an app sees of which adapter it uses, and why it is so. */
const differences: Record<Adapter, Differences> = {
  express: {
    keepsPieces: true,
    // A step stands where it is written: middleware before it comes first, whatever the route says.
    isPublicBeforeLogin: false,
    // What stands before the step works on hits as well; behind it, it makes a stream of the answer.
    keepsCompressed: { before: true, behind: false },
  },
  'node:http': {
    keepsPieces: true,
    isPublicBeforeLogin: false,
    keepsCompressed: { before: true, behind: false },
  },
  hono: {
    keepsPieces: true,
    isPublicBeforeLogin: false,
    keepsCompressed: { before: true, behind: false },
  },
  fastify: {
    // Fastify takes a body as a whole or as a stream.
    keepsPieces: false,
    // The plugin knows the route before its hooks run, and asks memory after `onRequest` already.
    isPublicBeforeLogin: true,
    // There is one place for it, the `onSend` hooks of the app, and the cache keeps what they make.
    keepsCompressed: { before: true, behind: true },
  },
}

/** What every adapter promises, held against a real server of its framework. */
export function adapterConformance(
  adapter: Adapter,
  build: (plan: AppPlan) => Promise<RunningApp>,
): void {
  describe(adapter, () => {
    const opened: RunningApp[] = []
    afterEach(async () => {
      for (const app of opened.splice(0)) await app.close()
    })

    const suite: Suite = {
      differences: differences[adapter],
      async start(plan) {
        const clock = createManualClock()
        let arrivals = 0
        const app = await build({
          clock,
          ...plan,
          headersFor(request) {
            arrivals++
            return plan.headersFor?.(request) ?? {}
          },
        })
        opened.push(app)
        return { ...app, clock, arrivals: () => arrivals }
      },
    }
    const parts = {
      'what is stored': storedResponses,
      'who sees what': viewers,
      writes,
      bodies,
      'what goes wrong': failures,
    }
    for (const [title, part] of Object.entries(parts))
      describe(title, () => {
        part(suite)
      })
  })
}
