import {
  invalid,
  knownOptions,
  nonEmptyString,
  positiveInteger,
  positiveMs,
  systemClock,
  timerMsOrOff,
  type Clock,
} from '../core/index.ts'
import { UploadFolder } from './upload-folder.ts'
import type { UploadStorage } from './upload-storage.ts'

/** How much a store of uploads takes, and how long it waits. */
export interface UploadLimits {
  /** The most that one upload may have, in bytes. */
  maxBytes: number
  /**
   * Uploads that are older, in milliseconds, are deleted when the store is made: nobody has deleted
   * them, because a process was killed before it could enqueue the task, say. It must be longer than
   * any task waits. `false` keeps them for ever. A given storage needs a `sweep` for it.
   *
   * @defaultValue false
   */
  maxAgeMs?: number | false | undefined
  /**
   * How long, in milliseconds, one call of the storage may take, such as one chunk to be written: an
   * upload whose storage does not answer fails then. `false` waits for ever.
   *
   * @defaultValue 30_000
   */
  timeoutMs?: number | false | undefined
  /**
   * Names the store in `stats()`.
   *
   * @defaultValue 'uploads'
   */
  name?: string | undefined
  /** @defaultValue the real time */
  clock?: Clock | undefined
}

/** Uploads in a folder. */
export interface UploadFolderOptions extends UploadLimits {
  /**
   * Made where it does not exist. Several processes of one machine may share it; nothing else should
   * be in it.
   */
  folder: string
  storage?: undefined
}

/** Uploads in an object store, a database, or whatever else there is. */
export interface UploadStorageOptions extends UploadLimits {
  /** It belongs to the app, which closes it after the store. */
  storage: UploadStorage
  folder?: undefined
}

/** Where and how much a store of uploads keeps. */
export type UploadStoreOptions = UploadFolderOptions | UploadStorageOptions

/** {@link UploadStoreOptions}, complete and checked. */
export interface ResolvedUploadStoreOptions {
  readonly storage: UploadStorage
  /** Where that is, as errors tell it. */
  readonly place: string
  readonly maxBytes: number
  readonly maxAgeMs: number | false
  readonly timeoutMs: number | false
  readonly name: string
  readonly clock: Clock
}

/** @throws HotpathError HOTPATH_OPTION_INVALID */
export function resolveUploadStoreOptions(options: UploadStoreOptions): ResolvedUploadStoreOptions {
  const names = ['folder', 'storage', 'maxBytes', 'maxAgeMs', 'timeoutMs', 'name', 'clock']
  knownOptions('createUploadStore', options, names)
  const { maxAgeMs = false } = options
  const name = nonEmptyString('name', options.name ?? 'uploads')
  const { storage, place } = whereTo(options, name)
  if (maxAgeMs !== false && storage.sweep === undefined) {
    invalid('maxAgeMs', 'false, or the storage must have a sweep()', maxAgeMs)
  }
  return {
    storage,
    place,
    maxBytes: positiveInteger('maxBytes', options.maxBytes),
    maxAgeMs: maxAgeMs === false ? false : positiveMs('maxAgeMs', maxAgeMs),
    timeoutMs: timerMsOrOff('timeoutMs', options.timeoutMs ?? 30_000),
    name,
    clock: options.clock ?? systemClock,
  }
}

function whereTo(
  { folder, storage }: UploadStoreOptions,
  name: string,
): { storage: UploadStorage; place: string } {
  if (storage === undefined) {
    const made = new UploadFolder(nonEmptyString('folder', folder))
    return { storage: made, place: made.path }
  }
  if (folder !== undefined) invalid('folder', 'left out where a storage is given', folder)
  const isStorage = [storage.begin, storage.open, storage.remove].every(
    (method) => typeof method === 'function',
  )
  if (!isStorage) invalid('storage', 'an object with begin(), open() and remove()', storage)
  return { storage, place: `the storage of ${name}` }
}
