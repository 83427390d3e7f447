import { readFileSync } from 'node:fs'
import { requestContext, runInRequest } from 'hotpath'
import { findRepeatedQueries, traceQueries } from 'hotpath/postgres'
import pg from 'pg'
import { expect, test } from 'vitest'
import { build } from './naive.ts'
import { useApis } from './running-apis.ts'

const { url } = await useApis()

test("the naive build's query for each author is found, with its file and line", async () => {
  const untrace = traceQueries(pg)
  const app = await build({ databaseUrl: url })
  try {
    const request = await runInRequest(
      { route: '/api/questions', maxTraceEntries: 1_000 },
      async () => {
        const { statusCode } = await app.inject('/api/questions')
        expect(statusCode).toBe(200)
        return requestContext()
      },
    )
    const [found, ...others] = await findRepeatedQueries(request)
    expect(others).toEqual([])
    expect(found?.text).toBe('SELECT * FROM users WHERE id = $1')
    expect(found?.parent.column).toBe('owner_id')
    expect(found?.site).toMatchObject({ functionName: 'findAuthor' })
    expect(found?.site?.file).toMatch(/examples\/api\/builds\/naive\.ts$/)
    const lines = readFileSync(new URL('naive.ts', import.meta.url), 'utf8').split('\n')
    expect(lines[(found?.site?.line ?? 0) - 1]).toContain('SELECT * FROM users WHERE id = $1')
  } finally {
    await app.close()
    untrace()
  }
})
