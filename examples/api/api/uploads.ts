import type { FastifyInstance } from 'fastify'

/** As what a file of a dump may be sent. */
export const uploadTypes = [
  'application/xml',
  'text/xml',
  'application/gzip',
  'application/octet-stream',
]

/** Hands uploads to their route as they come, and not when all of them is there. */
export function takeStreams(app: FastifyInstance): void {
  app.addContentTypeParser(uploadTypes, (_request, payload, done) => done(null, payload))
}

/** The attributes of a row of a dump, as far as an expression can find them; undefined for another line. */
export function readAttributes(line: string): Record<string, string> | undefined {
  if (!line.includes('<row ')) return undefined
  const found = line.matchAll(/(\w+)="([^"]*)"/g)
  return Object.fromEntries(Array.from(found, ([, name = '', value = '']) => [name, plain(value)]))
}

const entities: Record<string, string> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
  '&#xA;': '\n',
  '&#xD;': '\r',
  '&#x9;': '\t',
  '&amp;': '&',
}

function plain(value: string): string {
  return value.replace(/&[^;]+;/g, (entity) => entities[entity] ?? entity)
}
