import { invalid } from '../core/index.ts'
import type { StorageCalls } from './upload-calls.ts'
import { uploadTooLarge } from './upload-errors.ts'
import { untilAborted } from './upload-source.ts'
import type { UploadStorage, UploadWrite } from './upload-storage.ts'

/** What one upload is taken with. */
export interface Intake {
  readonly id: string
  readonly maxBytes: number
  /** Gives it up, until it is committed: from there on only the storage knows whether it is kept. */
  readonly signal: AbortSignal
  readonly storage: UploadStorage
  readonly calls: StorageCalls
  /** The storage could not abort: something may be left. */
  readonly onLeftOver: () => void
}

/**
 * Takes all of an upload into a storage, or nothing of it.
 *
 * @returns its bytes
 */
export async function takeIn(
  source: AsyncIterable<Uint8Array>,
  { id, maxBytes, signal, storage, calls, onLeftOver }: Intake,
): Promise<number> {
  const givenUp = new AbortController()
  const giveUp = () => givenUp.abort(signal.reason)
  signal.addEventListener('abort', giveUp, { once: true })
  const store = async <Result>(
    call: () => Promise<Result>,
    release?: (late: Result) => unknown,
  ): Promise<Result> => {
    try {
      return await calls.ask('store', call, release)
    } catch (error) {
      // A storage that has heard the signal fails because of it.
      throw signal.aborted ? signal.reason : error
    }
  }

  let begun: UploadWrite | undefined
  try {
    const write = await store(
      () => storage.begin(id, { signal: givenUp.signal }),
      (late) => late.abort(),
    )
    begun = write
    let byteLength = 0
    for await (const chunk of untilAborted(source, signal)) {
      if (!(chunk instanceof Uint8Array)) invalid('a chunk of an upload', 'bytes', chunk)
      if (chunk.byteLength === 0) continue
      byteLength += chunk.byteLength
      if (byteLength > maxBytes) throw uploadTooLarge(maxBytes)
      await store(() => write.write(chunk))
    }
    signal.throwIfAborted()
    signal.removeEventListener('abort', giveUp)
    await calls.ask('store', () => write.commit())
    return byteLength
  } catch (error) {
    givenUp.abort(error)
    // Whoever waits hears why it was given up, and not how that went.
    await calls.ask('remove', async () => begun?.abort()).catch(onLeftOver)
    throw error
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}
