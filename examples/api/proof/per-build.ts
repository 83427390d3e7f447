import { buildNames, type BuildName } from '../api/contract.ts'

/** One value for each build. */
export type PerBuild<T> = Readonly<Record<BuildName, T>>

/** One value for each build, each computed on its own. */
export function perBuild<T>(value: (build: BuildName) => T): PerBuild<T> {
  return { naive: value('naive'), usual: value('usual'), hotpath: value('hotpath') }
}

/**
 * Measures the builds in turn, round after round, so that a machine that slows down or speeds up
 * in between does so for all of them. Each round begins with another build.
 */
export async function interleave(
  rounds: number,
  measure: (build: BuildName, round: number) => Promise<number>,
  builds: readonly BuildName[] = buildNames,
): Promise<PerBuild<number[]>> {
  const values = perBuild((): number[] => [])
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < builds.length; turn++) {
      const build = builds[(round + turn) % builds.length] ?? 'naive'
      values[build].push(await measure(build, round))
    }
  }
  return values
}

/** The builds that hold a load of thousands of requests a second, and have to be told apart. */
export const cachedBuilds: readonly BuildName[] = ['usual', 'hotpath']
