import type { Bench, Workload } from './bench.ts'
import { judge } from './claims.ts'
import type { Closing } from './closing.ts'
import { ContenderProcess } from './contender.ts'
import { Samples, type Sample } from './figures.ts'
import { measureHttp } from './load.ts'
import { describeMachine, installedVersions } from './machine.ts'
import { measureOutage } from './outage.ts'
import { measureOverload } from './overload.ts'
import { orderOfRound } from './order.ts'
import { pinThisProcess } from './pinning.ts'
import { showProgress } from './progress.ts'
import { finish, printClaims, printMachine, printTables } from './report.ts'
import { sameBodyCheck } from './same-body.ts'
import { startServices, type RunningServices } from './services.ts'

/** A bench and how it is run. */
export interface BenchRun {
  readonly name: string
  /** The URL of its file, which the contenders' processes load too. */
  readonly file: string
  readonly bench: Bench
  readonly jsonFile: string | undefined
  /** What is started goes here, and ends with it. */
  readonly closing: Closing
}

export async function runBench({ name, file, bench, jsonFile, closing }: BenchRun): Promise<void> {
  const before = describeMachine()
  pinThisProcess()
  const services = await startServices(bench.services, closing)
  const versions = { ...installedVersions(bench.peers), ...services.versions }
  const machine = { ...before, versions }

  console.log(`${name}: ${bench.title}\n`)
  printMachine(machine)
  if (!machine.pinned) {
    console.log('Contenders share their core with the load: there is one core, or no taskset.')
  }
  for (const setting of bench.settings) console.log(`- ${setting}`)

  await bench.prepare?.(services)
  const samples = await runRounds(file, bench, services, closing)
  printTables(bench, samples)
  const claims = bench.claims.flatMap((rule) => judge(rule, samples) ?? [])
  printClaims(claims)

  const contenders = Object.fromEntries(
    Object.keys(bench.contenders).map((contender) => [contender, samples.medians(contender)]),
  )
  finish({ bench: name, machine, contenders, claims }, jsonFile)
}

async function runRounds(
  file: string,
  bench: Bench,
  services: RunningServices,
  closing: Closing,
): Promise<Samples> {
  const samples = new Samples()
  const checkBody = sameBodyCheck()
  const kept = new Map<string, ContenderProcess>()
  const isKept = bench.processes === 'per-run'
  for (let round = isKept ? -1 : 0; round < bench.rounds; round++) {
    for (const name of orderOfRound(Object.keys(bench.contenders), Math.max(round, 0))) {
      showProgress(
        round < 0 ? `warming up: ${name}` : `round ${round + 1} of ${bench.rounds}: ${name}`,
      )
      const contender = kept.get(name) ?? (await launch(file, name, services, closing))
      contender.resume()
      for (const [workload, about] of Object.entries(bench.workloads)) {
        const url = await contender.start(workload)
        if (url !== undefined && about.kind === 'http') {
          await checkBody(name, new URL(about.path, url), about.headers)
        }
        const sample = await measure(workload, about, contender, url, services)
        if (round >= 0) samples.add(workload, name, sample)
        await contender.stop()
      }
      if (isKept) {
        kept.set(name, contender)
        contender.pause()
      } else {
        await contender.end()
      }
    }
  }
  showProgress('')
  return samples
}

async function launch(
  file: string,
  name: string,
  services: RunningServices,
  closing: Closing,
): Promise<ContenderProcess> {
  const contender = new ContenderProcess(file, name, services.urls)
  closing.defer(() => contender.end())
  await contender.ready()
  return contender
}

function measure(
  name: string,
  workload: Workload,
  contender: ContenderProcess,
  url: string | undefined,
  { redis }: RunningServices,
): Promise<Sample> {
  if (workload.kind === 'outage') {
    if (redis === undefined) throw new Error(`${name} needs the service redis`)
    return measureOutage(workload, contender, redis)
  }
  if (workload.kind !== 'http' && workload.kind !== 'overload') return contender.measure(name)
  if (url === undefined) throw new Error(`${name} needs a server, and the contender gave no url`)
  if (workload.kind === 'overload') return measureOverload(workload, url)
  return measureHttp(workload, contender, url)
}
