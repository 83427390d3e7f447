import { maxRememberedLength, readStatement, type Statement } from './statement.ts'

/**
 * The query texts that a pool has met, the least recently used forgotten first. It gives a text its
 * name at its second use, so that a text built for one occasion is not prepared. Very long texts are
 * read afresh each time: remembering a few hundred generated megabytes would cost more than it saves.
 */
export class Statements {
  readonly #maxStatements: number | false
  readonly #byText = new Map<string, Statement>()
  readonly #onForgotten: (name: string) => void
  #named = 0

  /** @param onForgotten - told the name of a prepared statement that is no longer wanted */
  constructor(maxStatements: number | false, onForgotten: (name: string) => void) {
    this.#maxStatements = maxStatements
    this.#onForgotten = onForgotten
  }

  find(text: string): Statement {
    const known = this.#byText.get(text)
    if (known !== undefined) {
      if (this.#isFull) {
        this.#byText.delete(text)
        this.#byText.set(text, known)
      }
      if (known.name === undefined && known.isPreparable && this.#maxStatements !== false) {
        known.name = `hotpath_${++this.#named}`
      }
      return known
    }
    const statement = readStatement(text)
    if (text.length <= maxRememberedLength) {
      if (this.#isFull) this.#forgetOldest()
      this.#byText.set(text, statement)
    }
    return statement
  }

  all(): Iterable<Statement> {
    return this.#byText.values()
  }

  get #isFull(): boolean {
    return this.#byText.size >= (this.#maxStatements || 256)
  }

  #forgetOldest(): void {
    for (const [text, statement] of this.#byText) {
      this.#byText.delete(text)
      if (statement.name !== undefined) this.#onForgotten(statement.name)
      return
    }
  }
}
