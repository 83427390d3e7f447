import { tmpdir } from 'node:os'
import { freeTemporaryMb, Refusal } from './failure.ts'

/** What a PostgreSQL of our own takes, empty, and with the generated site in it. */
const emptyServerMb = 150
const loadedServerMb = 550

/** The generated site, as the dump that is loaded. */
const generatedDumpMb = 350

/**
 * Checks that the folder for temporary files has room for what the example will write there.
 *
 * @throws Refusal when it has not
 */
export function checkRoom(hasOwnServer: boolean, isGenerating: boolean): void {
  const serverMb = isGenerating ? loadedServerMb : emptyServerMb
  const neededMb = (hasOwnServer ? serverMb : 0) + (isGenerating ? generatedDumpMb : 0)
  const freeMb = freeTemporaryMb()
  if (freeMb >= neededMb) return
  throw new Refusal(
    `The disk is full, or nearly so: ${tmpdir()} has ${freeMb} MB left and the example needs about ${neededMb} MB; free some, or point TMPDIR at a folder with more room.`,
  )
}
