import { DatabaseSync } from 'node:sqlite'
import { createTables } from './schema.ts'

const busy = 5

// Some 250 kB of log: SQLite's own limit of 1,000 pages is reached only where nobody pauses.
const commitsPerCheckpoint = 64

/** The connection of the thread: transactions that wait for other processes, and say how safe they are. */
export class Connection {
  readonly database: DatabaseSync
  readonly #lockTimeoutMs: number
  #isSynced = true
  #dataVersion = 0
  #commits = 0

  constructor(file: string, lockTimeoutMs: number) {
    this.#lockTimeoutMs = lockTimeoutMs
    // SQLite's own waiting sleeps for up to 100 ms at a time, and does not wait for one that writes to a
    // file that has no log yet: of several processes that make it, all but one would fail.
    this.database = new DatabaseSync(file, { timeout: 0 })
    try {
      this.#patiently(() => this.database.exec('pragma journal_mode = wal'))
      this.database.exec('pragma synchronous = full; pragma journal_size_limit = 67108864')
      this.write(true, () => createTables(this.database))
    } catch (error) {
      this.database.close()
      throw error
    }
  }

  /**
   * Runs `work` in a transaction of its own. `isDurable`: on disk when this returns; otherwise it is
   * there for every process, and may be lost with the power.
   */
  write<T>(isDurable: boolean, work: () => T): T {
    this.#setSync(isDurable)
    this.#patiently(() => this.database.exec('begin immediate'))
    try {
      const value = work()
      this.database.exec('commit')
      this.#commits++
      return value
    } catch (error) {
      this.#rollBack()
      throw error
    }
  }

  read<T>(work: () => T): T {
    return this.#patiently(work)
  }

  /** Whether another connection has changed the file since this was last asked. */
  hasChanged(): boolean {
    const row = this.read(() => this.database.prepare('pragma data_version').get())
    const version = Number(row?.['data_version'])
    const hasChanged = version !== this.#dataVersion
    this.#dataVersion = version
    return hasChanged
  }

  /** Whether so much is in the log that it is worth a moment in which nobody waits. */
  get isCheckpointDue(): boolean {
    return this.#commits >= commitsPerCheckpoint
  }

  /**
   * Moves what is in the log to where it belongs, so that no commit has to, and the log begins anew while
   * it is short: an fsync of what lies in a file already costs less than one that makes it longer.
   */
  checkpoint(): void {
    this.#commits = 0
    try {
      this.database.prepare('pragma wal_checkpoint(passive)').get()
    } catch {
      // A full disk, say. The log has it all the same, and the next commit tells of the disk.
    }
  }

  close(): void {
    this.database.close()
  }

  #setSync(isDurable: boolean): void {
    if (isDurable === this.#isSynced) return
    this.database.exec(`pragma synchronous = ${isDurable ? 'full' : 'normal'}`)
    this.#isSynced = isDurable
  }

  #rollBack(): void {
    // A full disk may have rolled back already.
    if (this.database.isTransaction) this.database.exec('rollback')
  }

  #patiently<T>(work: () => T): T {
    const deadlineMs = performance.now() + this.#lockTimeoutMs
    for (;;) {
      try {
        return work()
      } catch (error) {
        const code = (error as { errcode?: number }).errcode ?? 0
        if ((code & 0xff) !== busy || performance.now() > deadlineMs) throw error
      }
      Atomics.wait(pauseCell, 0, 0, 0.3 + Math.random())
    }
  }
}

const pauseCell = new Int32Array(new SharedArrayBuffer(4))
