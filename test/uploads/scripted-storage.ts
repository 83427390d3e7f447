import { Readable } from 'node:stream'
import type { UploadStorage } from '../../src/tasks/index.ts'

/** What a storage is asked for; `read` is the first chunk of what `open` gave. */
export type Step = 'begin' | 'write' | 'commit' | 'abort' | 'open' | 'read' | 'remove' | 'sweep'

/** Keeps uploads in memory, notes what it is asked for, and does in a step what a test wants. */
export class ScriptedStorage implements UploadStorage {
  readonly asked: Step[] = []
  readonly kept = new Map<string, Buffer>()
  readonly signals: AbortSignal[] = []
  readonly opened: Readable[] = []
  /** Replaces what a step does. */
  readonly script: Partial<Record<Step, () => Promise<void>>> = {}

  /** How often it was asked for a step. */
  times(step: Step): number {
    return this.asked.filter((one) => one === step).length
  }

  // None of these is async where it fails at once, as those of an app may not be.
  begin(id: string, { signal }: { signal: AbortSignal }): ReturnType<UploadStorage['begin']> {
    this.signals.push(signal)
    const chunks: Uint8Array[] = []
    return this.#do('begin', () => ({
      write: (chunk) => this.#do('write', () => void chunks.push(chunk)),
      commit: () => this.#do('commit', () => void this.kept.set(id, Buffer.concat(chunks))),
      abort: () => this.#do('abort', () => void this.kept.delete(id)),
    }))
  }

  open(
    id: string,
    { startByte, signal }: { startByte: number; signal: AbortSignal },
  ): Promise<Readable | undefined> {
    this.signals.push(signal)
    return this.#do('open', () => {
      const bytes = this.kept.get(id)
      if (bytes === undefined) return undefined
      const stream = Readable.from(this.#read(bytes.subarray(startByte)), { objectMode: false })
      this.opened.push(stream)
      return stream
    })
  }

  remove(id: string, { signal }: { signal: AbortSignal }): Promise<boolean> {
    this.signals.push(signal)
    return this.#do('remove', () => this.kept.delete(id))
  }

  sweep(): Promise<number> {
    return this.#do('sweep', () => 0)
  }

  async *#read(bytes: Buffer): AsyncGenerator<Buffer> {
    await this.#do('read', () => {})
    for (let from = 0; from < bytes.length; from += 2) yield bytes.subarray(from, from + 2)
  }

  #do<Result>(step: Step, work: () => Result): Promise<Result> {
    this.asked.push(step)
    return (this.script[step]?.() ?? Promise.resolve()).then(work)
  }
}
