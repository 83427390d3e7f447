// The process of one contender. It does what the kit asks, one request after the other, and ends
// with the kit.
import type { Bench, Subject } from './bench.ts'
import { cpuMicros, measureAwaited, measureCallers, measureOperations } from './measure.ts'
import { OutageCallers, type OutageStep } from './outage-callers.ts'
import { peakRssBytes, resetPeakRss } from './memory.ts'
import type { Answer, Request } from './contender.ts'
import { urlOf, type ServiceUrls } from './service-urls.ts'

const [file = '', name = '', services = '{}'] = process.argv.slice(2)
const urls = JSON.parse(services) as ServiceUrls

process.on('disconnect', () => process.exit())
// Ctrl-C reaches the whole group; the kit decides what ends when.
process.on('SIGINT', () => {})

const { default: bench } = (await import(file)) as { default: Bench }
const contender = bench.contenders[name]
if (contender === undefined) throw new Error(`${file} has no contender "${name}"`)
const start = contender
let subject: Subject = {}
let outageCallers: OutageCallers | undefined
// A server stays up from slice to slice, as servers do. A second one in the same process would run
// on code that V8 has compiled for the first, and be slower for it.
const servers = new Map<string, Subject>()

process.on('message', (request: Request) => {
  void answer(request).then(
    (value) => reply({ value }),
    (error: unknown) =>
      reply({ error: error instanceof Error ? (error.stack ?? '') : String(error) }),
  )
})
reply({ value: undefined })

async function answer(request: Request): Promise<unknown> {
  switch (request.ask) {
    case 'start':
      subject = servers.get(request.workload) ?? (await startSubject(request.workload))
      return subject.url
    case 'measure':
      return measure(request.workload)
    case 'usage':
      return { cpuMicros: cpuMicros(), peakRssBytes: peakRssBytes() }
    case 'reset-peak':
      return resetPeakRss()
    case 'outage':
      return outage(request.step)
    case 'stop':
      return subject.url === undefined ? void (await subject.close?.()) : undefined
  }
}

async function startSubject(workload: string): Promise<Subject> {
  const started = await start({ workload, url: (service) => urlOf(urls, service) })
  if (started.url !== undefined) servers.set(workload, started)
  return started
}

async function measure(name: string) {
  const workload = bench.workloads[name]
  if (workload?.kind === 'operations' && subject.operate) {
    return measureOperations(workload, subject.operate)
  }
  if (workload?.kind === 'awaited' && subject.operateAwaited) {
    return measureAwaited(workload, subject.operateAwaited)
  }
  if (workload?.kind === 'callers' && subject.call) return measureCallers(workload, subject.call)
  throw new Error(`the contender has nothing to measure at ${name}`)
}

function outage(step: OutageStep) {
  if (step === 'begin') {
    if (subject.cache === undefined) throw new Error('the contender has no cache')
    const callers = new OutageCallers(subject.cache)
    for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
      process.removeAllListeners(event).on(event, () => callers.countUnhandled())
    }
    outageCallers = callers
  }
  return outageCallers?.take(step)
}

function reply(message: Answer): void {
  process.send?.(message)
}
