import { spawnSync } from 'node:child_process'
import { beforeAll } from 'vitest'

/** Fails the tests of a file, clearly, where a program is not there or may not do what they need. */
export function needsProgram(aptPackage: string, program: string, ...args: string[]): void {
  beforeAll(() => {
    const { error, status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
    if (error !== undefined) {
      throw new Error(`${program} is not there: apt-get install ${aptPackage}`, { cause: error })
    }
    if (status !== 0) throw new Error(`${program} is there, and does not work: ${stderr}`)
  })
}
