import { HotpathError } from '../core/index.ts'
import { describePlace, type Place } from './place.ts'

/** A row that could not be read, or that a step failed on: HOTPATH_STREAM_ROW_FAILED. */
export class RowError extends HotpathError {
  /** Where the row begins. */
  readonly place: Place

  constructor(place: Place, reason: string, options?: ErrorOptions) {
    super('HOTPATH_STREAM_ROW_FAILED', `${describePlace(place)}: ${reason}`, options)
    this.place = place
  }
}

export function tooManyRejects(maxRejects: number, place: Place, reason: string): RowError {
  return new RowError(
    place,
    `${reason}; this is one more than the ${maxRejects} rows that may be rejected (maxRejects)`,
  )
}

export function sourceFailed(source: string, cause: unknown): HotpathError {
  return new HotpathError(
    'HOTPATH_STREAM_SOURCE_FAILED',
    `${source} ${sourceTrouble[codeOf(cause)] ?? `cannot be read: ${messageOf(cause)}`}`,
    { cause },
  )
}

export function damagedSource(source: string, format: string, cause: unknown): HotpathError {
  return new HotpathError(
    'HOTPATH_STREAM_SOURCE_FAILED',
    `${source} is cut off or damaged (${format}: ${messageOf(cause)}); fetch or write it again`,
    { cause },
  )
}

const sourceTrouble: Record<string, string> = {
  ENOENT: 'cannot be read: there is no such file; check the path',
  EISDIR: 'cannot be read: it is a folder; name a file in it',
  EACCES: 'cannot be read: this process has no right to; check the owner and the mode',
}

export function sinkFailed(sink: string, cause: unknown): HotpathError {
  return new HotpathError(
    'HOTPATH_STREAM_SINK_FAILED',
    `${sink} ${sinkTrouble[codeOf(cause)] ?? `cannot be written: ${messageOf(cause)}`}`,
    { cause },
  )
}

const sinkTrouble: Record<string, string> = {
  ENOENT: 'cannot be written: its folder does not exist; make it first',
  EISDIR: 'cannot be written: it is a folder; name a file in it',
  EACCES: 'cannot be written: this process has no right to; check the owner and the mode',
  ENOSPC: 'cannot be written: the disk is full; make room, or write elsewhere',
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException | undefined)?.code)
}

/** What an error says, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
