// The part that the benchmarks use of packages that bring no types.

declare module 'apicache' {
  import type { RequestHandler } from 'express'

  const apicache: { middleware(duration: string): RequestHandler }
  export default apicache
}
