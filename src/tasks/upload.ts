import type { Readable } from 'node:stream'

/** Names an upload: plain data, for the input of the task that works on it. */
export interface UploadReference {
  /** Nobody can guess it. */
  readonly id: string
  readonly byteLength: number
}

/** How one upload is received. */
export interface ReceiveOptions {
  /** Gives it up: nothing of it is kept, and the call rejects with the reason of the signal. */
  signal?: AbortSignal | undefined
  /**
   * What the client says that it has, as in `Content-Length`: one that is too large is refused before
   * it is read.
   */
  byteLength?: number | undefined
  /**
   * A limit of its own, in bytes; at most that of the store.
   *
   * @defaultValue `maxBytes` of the store
   */
  maxBytes?: number | undefined
}

/** What {@link UploadStore.stats} tells of this process. */
export interface UploadStoreStats {
  /** Being received now. */
  readonly receiving: number
  readonly received: number
  readonly receivedBytes: number
  /** Aborted, too large, or refused by the storage; nothing of them was kept. */
  readonly failed: number
  /** What was left by processes that were killed, or too old, when the store was made. */
  readonly swept: number
  /** Failed uploads of which something may be left, because the storage failed to remove it, too. */
  readonly leftOver: number
}

/** Keeps uploads, in a folder or a given storage, for tasks. Made by {@link createUploadStore}. */
export interface UploadStore {
  readonly name: string
  /**
   * Stores an upload as it comes, and resolves when it is durable: the storage has committed it, or of a
   * folder the file, its name and the folder are synced. It takes no more memory than a chunk.
   *
   * @param source - a request, the stream of a part of a form, or any other bytes that come by and by
   * @throws whatever the source throws: a client that goes away
   * @throws HotpathError HOTPATH_TASKS_UPLOAD_TOO_LARGE, HOTPATH_TASKS_UPLOAD_DISK_FULL,
   * HOTPATH_TASKS_UPLOAD_FAILED, HOTPATH_TASKS_UPLOAD_TIMEOUT, HOTPATH_COMPONENT_CLOSED
   */
  receive(source: AsyncIterable<Uint8Array>, options?: ReceiveOptions): Promise<UploadReference>
  /**
   * Reads an upload, from its beginning or from `startByte` on. The stream fails, with the codes of
   * `open` itself, where the storage fails or has not all of its bytes.
   *
   * @throws HotpathError HOTPATH_TASKS_UPLOAD_MISSING, HOTPATH_TASKS_UPLOAD_FAILED,
   * HOTPATH_TASKS_UPLOAD_TIMEOUT
   */
  open(reference: UploadReference, options?: { startByte?: number | undefined }): Promise<Readable>
  /**
   * Deletes an upload: true if it was there. To be called at the end of its task.
   *
   * @throws HotpathError HOTPATH_TASKS_UPLOAD_MISSING of what cannot be the reference of an upload,
   * HOTPATH_TASKS_UPLOAD_FAILED, HOTPATH_TASKS_UPLOAD_TIMEOUT
   */
  delete(reference: UploadReference): Promise<boolean>
  stats(): UploadStoreStats
  /** Gives up what is being received. Close the server first, and a given storage after it. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Keeps uploads in a folder. */
export interface FolderUploadStore extends UploadStore {
  /**
   * The file of an upload, for what reads files and not streams.
   *
   * @throws HotpathError HOTPATH_TASKS_UPLOAD_MISSING of what cannot be the reference of an upload
   */
  pathOf(reference: UploadReference): string
}
