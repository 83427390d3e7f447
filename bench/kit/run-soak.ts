import type { Closing } from './closing.ts'
import { describeMachine, installedVersions } from './machine.ts'
import { progressEveryMs, showProgress } from './progress.ts'
import { finish, printClaims, printMachine } from './report.ts'
import { startServices } from './services.ts'
import type { Soak } from './soak.ts'
import { alignedTable, readable } from './table.ts'

/** A soak and how it is run. */
export interface SoakRun {
  readonly name: string
  readonly soak: Soak
  readonly operations: number
  readonly seed: number
  readonly jsonFile: string | undefined
  /** What is started goes here, and ends with it. */
  readonly closing: Closing
}

export async function runSoak(run: SoakRun): Promise<void> {
  const { name, soak, operations, seed, jsonFile, closing } = run
  const before = describeMachine()
  const services = await startServices(soak.services, closing)
  const versions = { ...installedVersions(soak.peers), ...services.versions }
  const machine = { ...before, pinned: false, versions }

  console.log(`${name}: ${soak.title}\n`)
  printMachine(machine)
  console.log(`- ${readable(operations, 0)} operations, seed ${seed}`)

  const startMs = performance.now()
  let shownMs = startMs
  const { contenders, failures, claims } = await soak.run({
    operations,
    seed,
    url: services.url,
    progress(done) {
      const nowMs = performance.now()
      if (nowMs - shownMs < progressEveryMs) return
      shownMs = nowMs
      const percent = Math.floor((done / operations) * 100)
      showProgress(`${percent} %, ${readable(done, 0)} operations`)
    },
  })
  showProgress('')

  const seconds = readable((performance.now() - startMs) / 1e3, 1)
  for (const [contender, counts] of Object.entries(contenders)) {
    console.log(`\n${contender}, in ${seconds} s`)
    const rows = Object.entries(counts).map(([what, count]) => [`  ${what}`, readable(count, 0)])
    console.log(alignedTable(rows))
  }
  if (failures.length > 0) console.log(`\n${failures.join('\n')}`)
  printClaims(claims)
  finish({ bench: name, machine, contenders, claims }, jsonFile)
}
