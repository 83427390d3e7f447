import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { errorCodes, HotpathError } from './errors.ts'

const documented = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
const sections = documented.split(/^## /m).slice(1)

describe('docs/errors.md', () => {
  test('has a section for every code, and none besides', () => {
    expect(sections.map((section) => section.split('\n')[0])).toEqual(errorCodes)
  })

  test.each(sections.map((section) => [section.split('\n')[0], section]))(
    '%s says what happened, why, and what to do',
    (_, section) => {
      const headings = [...section.matchAll(/^\*\*(.+?)\*\*/gm)].map(([, heading]) => heading)
      expect(headings).toEqual(['What happened.', 'Why.', 'What to do.'])
    },
  )
})

describe('codes', () => {
  test('name a room and what went wrong, each once', () => {
    expect(errorCodes.filter((code) => !/^HOTPATH_[A-Z]+_[A-Z_]+$/.test(code))).toEqual([])
    expect(new Set(errorCodes).size).toBe(errorCodes.length)
  })
})

describe('HotpathError', () => {
  test('carries its code and its cause', () => {
    const cause = new Error('deep down')
    const error = new HotpathError('HOTPATH_OPTION_INVALID', 'what, why, next', { cause })
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({
      name: 'HotpathError',
      code: 'HOTPATH_OPTION_INVALID',
      message: 'what, why, next',
      cause,
    })
    expect(error.stack).toContain('HotpathError: what, why, next')
  })
})
