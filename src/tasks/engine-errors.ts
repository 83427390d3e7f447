import { HotpathError } from '../core/index.ts'

/**
 * @param outcome - what that means for the caller: `The task was not stored`, say
 */
export function storeFailed(
  kind: string,
  operation: string,
  cause: unknown,
  outcome: string,
): HotpathError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new HotpathError(
    'HOTPATH_TASKS_STORE_FAILED',
    `the ${kind} store of the tasks failed to ${operation}: ${reason}. ${outcome}`,
    { cause },
  )
}

/** Somebody asks an engine that was closed meanwhile, or was never opened. */
export function engineClosed(kind: string): HotpathError {
  return new HotpathError(
    'HOTPATH_COMPONENT_CLOSED',
    `the ${kind} store of the tasks is closed: call close() after the last of their users`,
  )
}
