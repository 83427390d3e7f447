/** Chunks of bytes whose first ones have been looked at. */
export class Peeked implements AsyncIterable<Buffer> {
  /** The first bytes: as many as were wanted or more, unless there are fewer in all. */
  readonly head: Buffer
  readonly #rest: AsyncGenerator<Buffer, void, undefined>

  private constructor(head: Buffer, rest: AsyncGenerator<Buffer, void, undefined>) {
    this.head = head
    this.#rest = rest
  }

  static async of(
    chunks: AsyncGenerator<Buffer, void, undefined>,
    wantedBytes: number,
  ): Promise<Peeked> {
    let head: Buffer = Buffer.alloc(0)
    while (head.length < wantedBytes) {
      const { done, value } = await chunks.next()
      if (done) break
      // One that suffices is not copied; it is ours until the next call.
      head = head.length === 0 && value.length >= wantedBytes ? value : Buffer.concat([head, value])
    }
    return new Peeked(head, chunks)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    try {
      if (this.head.length > 0) yield this.head
      yield* this.#rest
    } finally {
      await this.#rest.return()
    }
  }
}
