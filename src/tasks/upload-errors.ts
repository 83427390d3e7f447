import { HotpathError } from '../core/index.ts'

const refusals = {
  store: 'the upload could not be stored in',
  read: 'the upload could not be read from',
  remove: 'the upload could not be removed from',
  sweep: 'what killed processes have left could not be swept from',
}

/** What a storage was asked to do. */
export type StorageDeed = keyof typeof refusals

export function uploadTooLarge(maxBytes: number): HotpathError {
  return new HotpathError(
    'HOTPATH_TASKS_UPLOAD_TOO_LARGE',
    `the upload has more than ${maxBytes} bytes, and nothing of it was kept; answer 413, or raise maxBytes`,
  )
}

export function uploadMissing(id: string): HotpathError {
  return new HotpathError(
    'HOTPATH_TASKS_UPLOAD_MISSING',
    `there is no upload ${JSON.stringify(id)}: it was deleted, or is kept elsewhere than in this store`,
  )
}

export function uploadsClosed(place: string): HotpathError {
  return new HotpathError(
    'HOTPATH_COMPONENT_CLOSED',
    `the upload store of ${place} has been closed; close the server before it`,
  )
}

/** Of whatever a storage throws: the file system, say. */
export function uploadFailed(place: string, deed: StorageDeed, cause: unknown): HotpathError {
  if (deed === 'store' && isDiskFull(cause)) {
    return new HotpathError(
      'HOTPATH_TASKS_UPLOAD_DISK_FULL',
      `there is no room left in ${place}, and nothing of the upload was kept; answer 507, and make room`,
      { cause },
    )
  }
  return new HotpathError(
    'HOTPATH_TASKS_UPLOAD_FAILED',
    `${refusals[deed]} ${place}: ${cause instanceof Error ? cause.message : String(cause)}; ` +
      'see that it exists and lets this process in',
    { cause },
  )
}

/** Of a storage that does not answer. */
export function uploadTimeout(place: string, deed: StorageDeed, timeoutMs: number): HotpathError {
  return new HotpathError(
    'HOTPATH_TASKS_UPLOAD_TIMEOUT',
    `${refusals[deed]} ${place}, which has not answered for ${timeoutMs} ms; ` +
      'answer 503, and see why it is slow, or raise timeoutMs',
  )
}

/** Of a storage that gives back other bytes than it was given. */
export function uploadChanged(
  place: string,
  { readBytes, dueBytes }: { readBytes: number; dueBytes: number },
): HotpathError {
  return new HotpathError(
    'HOTPATH_TASKS_UPLOAD_FAILED',
    `${refusals.read} ${place}: ${dueBytes} bytes were due, and ${readBytes} came; ` +
      'see who else writes there, and whether open() keeps to startByte',
  )
}

function isDiskFull(cause: unknown): boolean {
  const code =
    typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined
  return code === 'ENOSPC' || code === 'EDQUOT'
}
