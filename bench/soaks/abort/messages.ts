// What the server of an abort soak and the process that drives it say to each other.

export type Framework = 'fastify' | 'node'

/** What the server is started with, as the only argument, in JSON. */
export interface Beginning {
  readonly framework: Framework
  /** Where the adapter and `hotpath` are imported from. */
  readonly adapter: string
  readonly core: string
}

/** From the server: where it listens, and then, each time that it is asked, what it holds. */
export type Report = { readonly port: number } | { readonly holds: Holdings }

/** What a server holds while nobody asks anything of it. */
export interface Holdings {
  readonly rssBytes: number
  /** How many there are of each kind, by the names of `process.getActiveResourcesInfo()`. */
  readonly resources: Readonly<Record<string, number>>
  /** Bodies that are being compressed, or wait for it. */
  readonly pending: number
  readonly bodies: number
  readonly streams: number
}
