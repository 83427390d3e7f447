import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { CloneCosts } from './clone-costs.ts'

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockImplementation(() => {}))
afterEach(() => void vi.restoreAllMocks())

function judge(cloneMs: number, runMs: number, slowOnes = 0): number {
  const costs = new CloneCosts('images')
  for (let call = 0; call < 40; call++) {
    costs.add('resize', call % 20 < slowOnes ? 50 : cloneMs, runMs)
  }
  return vi.mocked(process.emitWarning).mock.calls.length
}

test('warns once of a function whose input takes longer to clone than its work', () => {
  expect(judge(2, 1)).toBe(1)
})

test('is silent where the work is more, and where nobody would notice', () => {
  expect(judge(1, 2)).toBe(0)
  expect(judge(0.05, 0)).toBe(0)
})

test('is not misled by a few clones on a busy machine', () => {
  expect(judge(0.01, 0.5, 10)).toBe(0)
})
