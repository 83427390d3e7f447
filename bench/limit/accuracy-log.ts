import type { Admission } from './excess.ts'

/** What one of the processes is to do. */
export interface AccuracyWork {
  readonly url: string
  readonly name: string
  readonly policy: { readonly limit: number; readonly windowMs: number; readonly burst: number }
  readonly keys: number
  /** Where it writes what was let through. */
  readonly file: string
  /** How far the system's clock is ahead in this process. */
  readonly clockAheadMs: number
}

/** The monotonic clock of the machine: the same in all of its processes. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

const bytes = 20

export function writeAdmission(key: number, { askedMs, heardMs }: Admission): Buffer {
  const entry = Buffer.allocUnsafe(bytes)
  entry.writeUInt32LE(key, 0)
  entry.writeDoubleLE(askedMs, 4)
  entry.writeDoubleLE(heardMs, 12)
  return entry
}

/** Adds what one process has written to the lists of each key. */
export function readAdmissions(log: Buffer, byKey: Map<number, Admission[]>): void {
  for (let at = 0; at + bytes <= log.length; at += bytes) {
    const key = log.readUInt32LE(at)
    const admission = { askedMs: log.readDoubleLE(at + 4), heardMs: log.readDoubleLE(at + 12) }
    const admissions = byKey.get(key)
    if (admissions === undefined) byKey.set(key, [admission])
    else admissions.push(admission)
  }
}
