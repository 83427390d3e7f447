import {
  knownOptions,
  nonEmptyString,
  positiveInteger,
  positiveMs,
  systemClock,
  type Clock,
} from '../core/index.ts'

/** Where and how much a store of uploads keeps. */
export interface UploadStoreOptions {
  /**
   * Made where it does not exist. Several processes of one machine may share it; nothing else should
   * be in it.
   */
  folder: string
  /** The most that one upload may have, in bytes. */
  maxBytes: number
  /**
   * Uploads that are older, in milliseconds, are deleted when the store is made: nobody has deleted
   * them, because a process was killed before it could enqueue the task, say. It must be longer than
   * any task waits. `false` keeps them for ever.
   *
   * @defaultValue false
   */
  maxAgeMs?: number | false | undefined
  /**
   * Names the store in `stats()`.
   *
   * @defaultValue 'uploads'
   */
  name?: string | undefined
  /** @defaultValue the real time */
  clock?: Clock | undefined
}

/** {@link UploadStoreOptions}, complete and checked. */
export interface ResolvedUploadStoreOptions {
  readonly folder: string
  readonly maxBytes: number
  readonly maxAgeMs: number | false
  readonly name: string
  readonly clock: Clock
}

/** @throws HotpathError HOTPATH_OPTION_INVALID */
export function resolveUploadStoreOptions(options: UploadStoreOptions): ResolvedUploadStoreOptions {
  const names = ['folder', 'maxBytes', 'maxAgeMs', 'name', 'clock']
  knownOptions('createUploadStore', options, names)
  const { maxAgeMs = false } = options
  return {
    folder: nonEmptyString('folder', options.folder),
    maxBytes: positiveInteger('maxBytes', options.maxBytes),
    maxAgeMs: maxAgeMs === false ? false : positiveMs('maxAgeMs', maxAgeMs),
    name: nonEmptyString('name', options.name ?? 'uploads'),
    clock: options.clock ?? systemClock,
  }
}
