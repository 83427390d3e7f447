/**
 * Ends a test run that cannot begin, with a sentence for whoever started it. A thrown error would
 * bury the sentence in vitest's own stack.
 */
export function refuse(reason: unknown): never {
  process.stderr.write(`${reason instanceof Error ? reason.message : String(reason)}\n`)
  process.exit(1)
}
