import { createServer } from 'node:net'
import { Refusal } from './failure.ts'

/**
 * Checks that nobody listens on a port yet, before the work that leads up to using it.
 *
 * @throws Refusal when somebody does, or when it may not be used
 */
export async function checkPort(port: number): Promise<void> {
  const probe = createServer()
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once('error', reject)
      probe.listen(port, '127.0.0.1', resolve)
    })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const reason = code === 'EADDRINUSE' ? 'is busy' : `cannot be used (${code})`
    throw new Refusal(
      `Port ${port} ${reason}: choose another with npm start -- --port ${port === 3_000 ? 3_001 : 3_000}, or end what listens there.`,
    )
  }
  await new Promise((resolve) => probe.close(resolve))
}
