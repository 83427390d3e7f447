import { HotpathError } from './errors.ts'

/**
 * Loads a package that is installed beside hotpath only by those who use what needs it.
 *
 * @param user who needs it, for the message: `csv()`
 * @param packages all that it takes: `bullmq ioredis`
 * @throws HotpathError HOTPATH_PEER_MISSING
 */
export async function loadPeer<Module>(
  user: string,
  packages: string,
  load: () => Promise<Module>,
): Promise<Module> {
  try {
    return await load()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new HotpathError(
      'HOTPATH_PEER_MISSING',
      `${user} needs what is not installed: npm install ${packages}`,
      { cause: error },
    )
  }
}
