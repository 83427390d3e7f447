/** What the usual and the hotpath build are both given, so that neither has more than the other. */
export const settings = {
  /** Connections to PostgreSQL that one process holds at most. */
  maxConnections: 10,
  /** Responses that one process keeps in memory at most. */
  maxCacheEntries: 10_000,
  /** And their bytes. */
  maxCacheBytes: 64 * 1024 * 1024,
  /** How long a response may be served from the cache; writes remove it sooner. */
  ttlMs: 5 * 60_000,
  /** The same for what is under `/api/stats/tags`, which no write of this API changes. */
  tagStatsTtlMs: 60 * 60_000,
  /** The largest upload. */
  maxUploadBytes: 10 * 1024 ** 3,
  /** An upload that nobody has worked on by then belongs to no task. */
  maxUploadAgeMs: 7 * 24 * 3_600_000,
  /** How long another site of the network is waited for. */
  siteTimeoutMs: 1_000,
  /** Threads that relate the tags: one, and none while nobody asks, which is most of the hour. */
  relating: { minThreads: 0, maxThreads: 1 },
  /** Requests that one address may make in a minute: of `/api/data`, and of each costly route. */
  dataPerMinute: 100,
  tagStatsPerMinute: 60,
  writesPerMinute: 60,
}
