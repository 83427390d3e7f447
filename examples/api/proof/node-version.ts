import { Refusal } from './failure.ts'

/**
 * Checks the version of Node.
 *
 * @throws Refusal when it is too old
 */
export function checkNode(version: string = process.versions.node): void {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 19)) return
  throw new Refusal(
    `Node ${version} is too old: npm start brings Node 24 along; without it, use Node 22.19 or newer.`,
  )
}
