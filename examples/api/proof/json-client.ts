import type { LoadRequest } from './load/request.ts'

/** The answer to one request: its status, and its body as JSON. */
export interface Answer {
  readonly statusCode: number
  readonly body: unknown
}

/** Sends one request; a body that is not JSON comes back as its text. */
export async function ask(
  port: number,
  { method, path, body, headers }: LoadRequest,
  signal: AbortSignal,
): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    signal,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body }),
  })
  return { statusCode: response.status, body: parse(await response.text()) }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
