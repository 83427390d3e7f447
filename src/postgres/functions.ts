import type { QueryResult } from 'pg'
import type { Statement } from './statement.ts'

/** Asks the server about these names, and answers with the rows of {@link lookUpText}. */
export type LookUp = (
  names: readonly string[],
  answer: (error: unknown, result: QueryResult | undefined) => void,
) => void

// Functions of PostgreSQL that are volatile because of the time, of chance or of what they measure.
const quiet =
  'array_sample array_shuffle clock_timestamp gen_random_uuid pg_blocking_pids pg_database_size ' +
  'pg_indexes_size pg_is_in_recovery pg_relation_size pg_sleep pg_sleep_for pg_sleep_until ' +
  'pg_table_size pg_total_relation_size random random_normal timeofday uuidv4 uuidv7'

/**
 * Which of the names in `$1` may write: those of which any overload in any schema is volatile, which is
 * what PostgreSQL takes a function for that does not say otherwise. It cuts names as the server does.
 */
export const lookUpText: string = `select asked.name, coalesce(bool_or(
    provolatile = 'v' and not (pronamespace = 'pg_catalog'::regnamespace
      and proname = any ('{${quiet.replaceAll(' ', ',')}}'::name[]))
  ), false) as writes
  from unnest($1::text[]) as asked (name) left join pg_proc on proname = asked.name::name
  group by asked.name`

const maxNames = 1_000
const maxAsked = 100
// What is called with a name that does not exist (SQLSTATE undefined_function), perhaps not yet.
const undefinedFunction = '42883'

/**
 * What the server says of the functions that statements call. Until it has said of each that it does
 * not write, their statement travels alone. A name is asked for once, when a statement that calls it
 * has been answered: no query waits for the question.
 */
export class Functions {
  readonly #lookUp: LookUp
  readonly #writes = new Map<string, boolean>()
  readonly #wanted = new Set<string>()
  #isAsking = false
  // Goes up when all is forgotten: what was asked before that is no answer any more.
  #age = 0

  constructor(lookUp: LookUp) {
    this.#lookUp = lookUp
  }

  /** Lets a statement share if none of its functions writes, once that is known. */
  judge(statement: Statement): void {
    const names = statement.functions
    if (names.some((name) => !this.#writes.has(name))) return
    statement.isJudged = true
    if (!names.some((name) => this.#writes.get(name))) statement.travel = 'read'
  }

  /** A statement that is not judged yet, or failed, was answered. */
  answered(statement: Statement, error: unknown): void {
    if ((error as { code?: unknown } | undefined)?.code === undefinedFunction) {
      for (const name of statement.functions) this.#writes.delete(name)
      doubt(statement)
    } else {
      for (const name of statement.functions) this.#want(name)
      this.#ask()
    }
  }

  /** Functions were made or altered: all that call any are in doubt again. */
  forget(statements: Iterable<Statement>): void {
    this.#age++
    this.#writes.clear()
    for (const statement of statements) doubt(statement)
  }

  #want(name: string): void {
    if (!this.#writes.has(name) && this.#wanted.size < maxNames) this.#wanted.add(name)
  }

  #ask(): void {
    if (this.#isAsking || this.#wanted.size === 0) return
    this.#isAsking = true
    const names = [...this.#wanted].slice(0, maxAsked)
    const age = this.#age
    this.#lookUp(names, (_error, result) => {
      this.#isAsking = false
      for (const name of names) this.#wanted.delete(name)
      if (age !== this.#age) return
      // Where there is no answer, the next statement that calls one of them asks again.
      if (result === undefined) return
      for (const { name, writes } of result.rows as Named[]) this.#remember(name, writes)
      this.#ask()
    })
  }

  #remember(name: string, writes: boolean): void {
    if (this.#writes.size >= maxNames) {
      for (const oldest of this.#writes.keys()) {
        this.#writes.delete(oldest)
        break
      }
    }
    this.#writes.set(name, writes)
  }
}

interface Named {
  readonly name: string
  readonly writes: boolean
}

function doubt(statement: Statement): void {
  if (statement.functions.length === 0) return
  statement.isJudged = false
  statement.travel = 'alone'
}
