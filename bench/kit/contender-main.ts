// The process of one contender. It does what the kit asks, one request after the other, and ends
// with the kit.
import type { Bench, Subject } from './bench.ts'
import { cpuMicros, measureCallers, measureOperations } from './measure.ts'
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
      subject = await start({
        workload: request.workload,
        url: (service) => urlOf(urls, service),
      })
      return subject.url
    case 'measure':
      return measure(request.workload)
    case 'usage':
      return { cpuMicros: cpuMicros(), peakRssBytes: peakRssBytes() }
    case 'reset-peak':
      return resetPeakRss()
    case 'stop':
      return void (await subject.close?.())
  }
}

async function measure(name: string) {
  const workload = bench.workloads[name]
  if (workload?.kind === 'operations' && subject.operate) {
    return measureOperations(workload, subject.operate)
  }
  if (workload?.kind === 'callers' && subject.call) return measureCallers(workload, subject.call)
  throw new Error(`the contender has nothing to measure at ${name}`)
}

function reply(message: Answer): void {
  process.send?.(message)
}
