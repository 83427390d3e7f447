import type { Service } from './bench.ts'

/** Where the services of a run listen, as a contender's process is told. */
export type ServiceUrls = Partial<Record<Service, string>>

/** @throws when the service was not asked for */
export function urlOf(urls: ServiceUrls, service: Service): string {
  const url = urls[service]
  if (url === undefined) throw new Error(`the service ${service} is not among the bench's services`)
  return url
}
