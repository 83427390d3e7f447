import type { OutgoingHttpHeader, ServerResponse } from 'node:http'

/**
 * The head of a response of `node:http` that has ended for its app, while its body is still being
 * compressed. What is changed meanwhile, by a second answer or by an error handler, comes too late,
 * as it would without us, and is undone.
 */
export class HeldHead {
  readonly #response: ServerResponse
  readonly #status: number
  readonly #message: string
  readonly #headers: ReadonlyMap<string, OutgoingHttpHeader>

  constructor(response: ServerResponse) {
    this.#response = response
    this.#status = response.statusCode
    this.#message = response.statusMessage
    this.#headers = headersOf(response)
    for (const name of flags) {
      Object.defineProperty(response, name, { configurable: true, value: true })
    }
  }

  /** Makes it what it was; but not one that was sent, past whoever holds it. */
  release(): void {
    const response = this.#response
    for (const name of flags) Reflect.deleteProperty(response, name)
    if (response.headersSent) return
    response.statusCode = this.#status
    response.statusMessage = this.#message
    const found = headersOf(response)
    for (const name of found.keys()) if (!this.#headers.has(name)) response.removeHeader(name)
    for (const [name, value] of this.#headers) {
      if (String(found.get(name)) !== String(value)) response.setHeader(name, value)
    }
  }
}

/** By these a handler knows that it must not answer again. */
const flags = ['headersSent', 'writableEnded']

function headersOf(response: ServerResponse): Map<string, OutgoingHttpHeader> {
  const headers = new Map<string, OutgoingHttpHeader>()
  for (const [name, value] of Object.entries(response.getHeaders())) {
    // Node appends to the very list.
    if (value !== undefined) headers.set(name, Array.isArray(value) ? [...value] : value)
  }
  return headers
}
