/** A dump that cannot be loaded at all; the message is one sentence for the person who asked. */
export class DumpError extends Error {
  override readonly name: string = 'DumpError'
}
