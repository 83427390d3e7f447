import { ServerResponse } from 'node:http'
import { sendableBody, type ReadyAnswer } from './answer.ts'
import { setHeaders } from './node-headers.ts'

/** Writes a stored response to a response of `node:http`. */
export function writeAnswer(response: ServerResponse, method: string, answer: ReadyAnswer): void {
  const { status, head, body, textEncoding = 'utf8' } = answer
  const isWithoutBody = method === 'HEAD' || body === undefined
  if (isPlain(response)) {
    response.writeHead(status, head)
    if (isWithoutBody) response.end()
    else response.end(body, textEncoding)
  } else {
    // Middleware that has put functions of its own in their place (compression, a session) wants to
    // see the headers before they are sent, and not all of it understands a list.
    response.statusCode = status
    setHeaders(response, head)
    response.end(isWithoutBody ? undefined : sendableBody(answer))
  }
}

function isPlain({ writeHead, end }: ServerResponse): boolean {
  return writeHead === ServerResponse.prototype.writeHead && end === ServerResponse.prototype.end
}
