/**
 * What keeps the bytes of uploads: an object store, a database, another disk. A folder is one, and an
 * app may hand in its own. {@link UploadStore} does everything else: ids, limits, waiting and giving up.
 *
 * A call that does not answer within `timeoutMs` counts as failed. Whatever a storage throws is the
 * `cause` of HOTPATH_TASKS_UPLOAD_FAILED, or with the code `ENOSPC` that of HOTPATH_TASKS_UPLOAD_DISK_FULL.
 */
export interface UploadStorage {
  /**
   * Begins to write an upload under an id that is new: 32 hexadecimal digits. Nobody may see it under
   * this id before its `commit`. If this throws, it has left nothing.
   *
   * @param options.signal - aborts as soon as the upload is given up, just before its `abort`: whatever
   * is under way may stop
   */
  begin(id: string, options: { signal: AbortSignal }): Promise<UploadWrite>
  /**
   * The bytes of an upload from `startByte` on, or undefined if there is none of this id. A Node stream,
   * a body of `fetch` and a generator all are what it may give. `startByte` is always before the last
   * byte, or 0.
   *
   * @param options.signal - aborts when nobody reads on
   */
  open(
    id: string,
    options: { startByte: number; signal: AbortSignal },
  ): Promise<AsyncIterable<Uint8Array> | undefined>
  /** Deletes an upload: true if it was there, or if the storage cannot tell. */
  remove(id: string, options: { signal: AbortSignal }): Promise<boolean>
  /**
   * Deletes what processes that were killed have left half written, and what is older than `maxAgeMs`.
   * Without it both are left to the storage: to a lifecycle rule of a bucket, or to a database that
   * rolls back. It is called when the store is made, beside the first uploads.
   *
   * @returns how many that were
   */
  sweep?(options: { maxAgeMs: number | false; nowMs: number; signal: AbortSignal }): Promise<number>
}

/**
 * One upload that is being written. Its calls come one after the other, and each waits for the one
 * before. At its end is one `commit`, one `abort`, or an `abort` after a `commit` that failed.
 */
export interface UploadWrite {
  /**
   * Resolves when it can take the next chunk: the client is held back until then. A chunk is never
   * empty, and belongs to the storage.
   */
  write(chunk: Uint8Array): Promise<void>
  /** Resolves when the upload is durable, and can be read under its id. Only then is it acknowledged. */
  commit(): Promise<void>
  /**
   * Leaves nothing: neither bytes, nor the id, nor an open connection. It is called once, after a call
   * that failed, or did not answer in time and may still be under way.
   */
  abort(): Promise<void>
}
