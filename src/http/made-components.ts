/** What stays in the registry until it is closed. */
interface Closeable {
  close(): Promise<void>
}

/**
 * What has been made of an adapter's options so far. When a later one is wrong it is closed again: nobody
 * would get hold of it, and it would stay in the registry for as long as the process runs.
 */
export class MadeComponents {
  readonly #made: Closeable[] = []

  keep<T extends Closeable | undefined>(made: T): T {
    if (made !== undefined) this.#made.push(made)
    return made
  }

  /** They leave the registry at once; what else they have to end, nobody waits for. */
  close(): void {
    for (const one of this.#made) void one.close()
  }
}
