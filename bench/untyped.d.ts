// The part that the benchmarks use of packages that bring no types.

declare module 'express' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  interface Response extends ServerResponse {
    json(body: unknown): void
  }
  type Handler = (request: IncomingMessage, response: Response, next: () => void) => void

  interface Application {
    (request: IncomingMessage, response: ServerResponse): void
    get(path: string, ...handlers: Handler[]): void
    disable(setting: string): void
  }

  export default function express(): Application
}

declare module 'apicache' {
  import type { Handler } from 'express'

  const apicache: { middleware(duration: string): Handler }
  export default apicache
}
