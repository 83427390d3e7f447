import { HotpathError } from '../core/index.ts'

export function uploadTooLarge(maxBytes: number): HotpathError {
  return new HotpathError(
    'HOTPATH_TASKS_UPLOAD_TOO_LARGE',
    `the upload has more than ${maxBytes} bytes, and nothing of it was kept; answer 413, or raise maxBytes`,
  )
}

export function uploadMissing(id: string): HotpathError {
  return new HotpathError(
    'HOTPATH_TASKS_UPLOAD_MISSING',
    `there is no upload ${JSON.stringify(id)}: it was deleted, or is in another folder than that of this store`,
  )
}

export function uploadsClosed(folder: string): HotpathError {
  return new HotpathError(
    'HOTPATH_COMPONENT_CLOSED',
    `the upload store of ${folder} has been closed; close the server before it`,
  )
}

/** Of what the file system refuses. */
export function uploadFailed(folder: string, cause: unknown): HotpathError {
  if (isDiskFull(cause)) {
    return new HotpathError(
      'HOTPATH_TASKS_UPLOAD_DISK_FULL',
      `the disk of ${folder} is full, and nothing of the upload was kept; answer 507, and make room`,
      { cause },
    )
  }
  return new HotpathError(
    'HOTPATH_TASKS_UPLOAD_FAILED',
    `the upload could not be stored in ${folder}: ${cause instanceof Error ? cause.message : String(cause)}; ` +
      'see that the folder exists and that this process may write to it',
    { cause },
  )
}

function isDiskFull(cause: unknown): boolean {
  const { code } = cause as { code?: unknown }
  return code === 'ENOSPC' || code === 'EDQUOT'
}
