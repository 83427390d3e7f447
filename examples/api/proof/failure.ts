import { statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
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
  for (const { code, message } of causes(error)) {
    // ENOSPC is what the system calls a full disk, 53100 what PostgreSQL does.
    if (code === 'ENOSPC' || code === '53100' || /no space (is )?left/i.test(message)) {
      return diskFull(message)
    }
    if (code === 'EACCES' || code === 'EROFS') {
      return `Access was denied (${message}): check who owns that path, or point TMPDIR elsewhere.`
    }
  }
  if (error instanceof Refusal || error instanceof DumpError) return error.message
  // A PostgreSQL that cannot write its log goes away without a word to its clients.
  return freeTemporaryMb() < fullBelowMb ? diskFull(String(error)) : undefined
}

/** What is left for temporary files, in megabytes. */
export function freeTemporaryMb(): number {
  const { bavail, bsize } = statfsSync(tmpdir())
  return Math.floor((bavail * bsize) / 1e6)
}

/** PostgreSQL writes its log in files of 16 MB. */
const fullBelowMb = 20

function diskFull(reason: string): string {
  return `The disk is full (${reason}): free about 1 GB, or point TMPDIR at a folder with more room.`
}

interface CodedError extends Error {
  readonly code?: unknown
}

function* causes(error: unknown): Generator<CodedError> {
  for (let cause = error; cause instanceof Error; cause = cause.cause) yield cause
}
