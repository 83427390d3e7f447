import { DumpError } from '../data/dump-error.ts'

/** Something that the person who started the example can put right; the message is one sentence. */
export class Refusal extends Error {
  override readonly name: string = 'Refusal'
}

/**
 * The one sentence that tells a person what went wrong and what to do; `undefined` for an error
 * that nobody foresaw, which deserves its stack.
 */
export function sentenceFor(error: unknown): string | undefined {
  for (const cause of causes(error)) {
    // ENOSPC is what the system calls a full disk, 53100 what PostgreSQL does.
    if (
      cause.code === 'ENOSPC' ||
      cause.code === '53100' ||
      /no space (is )?left/i.test(cause.message)
    ) {
      return `The disk is full (${cause.message}): free about 1.5 GB, or point TMPDIR at a folder with more room.`
    }
    if (cause.code === 'EACCES' || cause.code === 'EROFS') {
      return `Access was denied (${cause.message}): check who owns that path, or point TMPDIR elsewhere.`
    }
  }
  return error instanceof Refusal || error instanceof DumpError ? error.message : undefined
}

interface CodedError extends Error {
  readonly code?: unknown
}

function* causes(error: unknown): Generator<CodedError> {
  for (let cause = error; cause instanceof Error; cause = cause.cause) yield cause
}
