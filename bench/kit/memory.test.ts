import { expect, test } from 'vitest'
import { peakRssBytes } from './memory.ts'

const mebibyte = 1_024 * 1_024

test('the peak is at least what is held, and rises with what is touched beyond it', () => {
  const beforeBytes = peakRssBytes()
  const heldBytes = process.memoryUsage.rss()
  expect(beforeBytes).toBeGreaterThan(heldBytes - 8 * mebibyte)

  const block = new Uint8Array(beforeBytes - heldBytes + 64 * mebibyte).fill(1)
  expect(peakRssBytes()).toBeGreaterThan(beforeBytes + 32 * mebibyte)
  expect(block.at(-1)).toBe(1)
})
