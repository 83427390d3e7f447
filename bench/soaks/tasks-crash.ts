import type { Claim } from '../kit/claims.ts'
import type { Soak } from '../kit/soak.ts'
import { crash, type CrashOutcome } from './tasks-crash/crash.ts'
import { crashEngines, onStoreOf, type CrashEngine } from './tasks-crash/stores.ts'

const workers = 6
const bystanders = 2

const soak: Soak = {
  title: 'workers are killed (SIGKILL) and frozen (SIGSTOP, SIGCONT) in the middle of tasks',
  peers: ['pg-boss', 'bullmq'],
  services: ['postgres', 'redis'],
  operations: 300,
  run: async (given) => {
    const contenders: Record<string, CrashOutcome & Record<string, number>> = {}
    const claims: Claim[] = []
    let done = 0
    for (const engine of crashEngines) {
      const outcome = await onStoreOf(engine, given, (store) =>
        crash({
          engine: engine.name,
          tasks: import.meta.resolve('hotpath/tasks'),
          postgres: import.meta.resolve('hotpath/postgres'),
          store,
          concurrency: 2,
          workers,
          bystanders,
          kills: given.operations,
          progress: (count) => given.progress(done + count),
        }),
      )
      done += given.operations
      console.log(`${engine.name} beside its peer: ${engine.peer}`)
      contenders[engine.name] = { ...outcome }
      claims.push(...judge(engine, outcome))
    }
    return { contenders, failures: [], claims }
  },
}

export default soak

function judge({ name, takeoverMs }: CrashEngine, outcome: CrashOutcome): Claim[] {
  const none = (claim: string, value: number): Claim => ({
    claim: `${name}: ${claim}`,
    value,
    bar: 0,
    holds: value === 0,
  })
  return [
    none('no acknowledged task is lost', outcome.lost),
    none('no task is completed twice', outcome.completedTwice),
    none('no task is completed by a fenced worker', outcome.completedByFenced),
    {
      claim: `${name}: the median takeover takes at most ${takeoverMs} ms`,
      value: outcome.medianTakeoverMs,
      bar: takeoverMs,
      holds: outcome.medianTakeoverMs > 0 && outcome.medianTakeoverMs <= takeoverMs,
    },
  ]
}
