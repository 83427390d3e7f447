/** Reads given numbers of bytes from pieces of any size. */
export class PieceReader {
  readonly #pieces: AsyncIterator<Buffer>
  #piece: Buffer = Buffer.alloc(0)

  constructor(pieces: AsyncIterable<Buffer>) {
    this.#pieces = pieces[Symbol.asyncIterator]()
  }

  async isAtEnd(): Promise<boolean> {
    while (this.#piece.length === 0) {
      const next = await this.#pieces.next()
      if (next.done === true) return true
      this.#piece = next.value
    }
    return false
  }

  /** So many bytes in one: few, as they are put together. */
  async take(length: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for await (const part of this.pass(length)) parts.push(part)
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
  }

  /**
   * So many bytes, as they come.
   *
   * @throws Error where there are not so many
   */
  async *pass(length: number): AsyncGenerator<Buffer, void, undefined> {
    for (let missing = length; missing > 0;) {
      if (await this.isAtEnd()) throw new Error('unexpected end of file')
      const part = this.#piece.subarray(0, missing)
      this.#piece = this.#piece.subarray(part.length)
      missing -= part.length
      yield part
    }
  }

  async skip(length: number): Promise<void> {
    for await (const _ of this.pass(length));
  }

  /** Ends the reading of the pieces, wherever it is. Who waits for one that does not come need not wait. */
  close(): void {
    this.#pieces.return?.().catch(() => {})
  }
}
