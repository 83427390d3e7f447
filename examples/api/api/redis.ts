/** How a client of Redis begins: it comes back after a failure, but only where it once was. */
export function redisBeginning() {
  let hasStood = false
  return {
    socket: {
      reconnectStrategy: (retries: number) => hasStood && Math.min(100 * (retries + 1), 2_000),
    },
    async connect(client: { connect: () => Promise<unknown> }): Promise<void> {
      try {
        await client.connect()
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        throw new Error(
          `REDIS_URL cannot be used (${reason}): start that Redis, or unset it to cache in memory.`,
          { cause: error },
        )
      }
      hasStood = true
    },
  }
}
