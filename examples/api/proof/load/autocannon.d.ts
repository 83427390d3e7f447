/** The part of autocannon 9 that the proof uses; the package has no types of its own. */
declare module 'autocannon' {
  namespace autocannon {
    interface Request {
      method: string
      path: string
      headers: Record<string, string>
      body?: string
    }
    interface Client {
      setRequests(requests: Request[]): void
    }
    interface Options {
      url: string
      connections: number
      /** Seconds. */
      duration: number
      /** Milliseconds between samples; a run ends on one. */
      sampleInt: number
      setupClient(client: Client): void
    }
    interface Run extends PromiseLike<unknown> {
      on(event: 'start', listener: () => void): Run
      on(
        event: 'response',
        listener: (client: Client, statusCode: number, bytes: number, tookMs: number) => void,
      ): Run
      on(event: 'reqError', listener: (error: Error) => void): Run
    }
  }
  function autocannon(options: autocannon.Options): autocannon.Run
  export default autocannon
}
