import { contentCodings, type ContentCoding } from './encode.ts'

/** A member of `Accept-Encoding` or `Accept-Language`: a name in lower case, and its weight. */
interface Weighted {
  readonly name: string
  /** From 0 to 1; 0 says "not this one" (RFC 9110, 12.4.2). */
  readonly weight: number
}

const maxRecent = 200
const maxRecentLength = 256
const recent = new Map<string, Accepted>()

/** A coding that a client accepts, and how much it likes it. */
export interface WeighedCoding {
  readonly coding: ContentCoding
  readonly weight: number
}

/** What a client accepts, best first, with and without the weights. */
interface Accepted {
  readonly weighed: readonly WeighedCoding[]
  readonly codings: readonly ContentCoding[]
}

const nothing: Accepted = { weighed: [], codings: [] }

/**
 * The codings that a client would rather have than the bytes as they are, best first (RFC 9110,
 * 12.5.3). Where it weighs two alike, they stand in the order of `contentCodings`. A client that
 * sends no `Accept-Encoding` gets the bytes as they are: it accepts every coding in theory, and
 * often knows none.
 */
export function acceptableCodings(acceptEncoding: string | undefined): readonly ContentCoding[] {
  return accepted(acceptEncoding).codings
}

/** The same, with the weights. */
export function acceptedCodings(acceptEncoding: string | undefined): readonly WeighedCoding[] {
  return accepted(acceptEncoding).weighed
}

/**
 * An `Accept-Encoding` or `Accept-Language` in the one form that all texts of the same meaning
 * share: lower case, no blanks, heaviest first, no weights of 1. Members that weigh alike stay in
 * their order, which some servers go by. A text with anything else in it stays as it is.
 */
export function canonicalAccept(text: string): string {
  if (!isPlain.test(text.trim())) return text
  return weightedMembers(text)
    .toSorted((a, b) => b.weight - a.weight)
    .map(({ name, weight }) => (weight === 1 ? name : `${name};q=${weight}`))
    .join(',')
}

// Names, each with a weight or without.
const isPlain = /^(?:[\w*-]+\s*(?:;\s*q=(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?(?:,\s*|$))+$/i

// A browser sends the same text each time: the last few answers are remembered by the text.
function accepted(acceptEncoding: string | undefined): Accepted {
  if (acceptEncoding === undefined) return nothing
  const known = recent.get(acceptEncoding)
  if (known !== undefined) return known
  const weighed = negotiate(weightedMembers(acceptEncoding))
  const found = { weighed, codings: weighed.map(({ coding }) => coding) }
  if (acceptEncoding.length > maxRecentLength) return found
  if (recent.size >= maxRecent) recent.clear()
  recent.set(acceptEncoding, found)
  return found
}

function negotiate(members: readonly Weighted[]): readonly WeighedCoding[] {
  const weightOf = (coding: string): number | undefined =>
    members.find(({ name }) => name === coding || name === `x-${coding}`)?.weight
  const anyWeight = weightOf('*')
  // Unless it is named, the body as it is comes last, and is acceptable even so.
  const identityWeight = weightOf('identity') ?? 0
  const offered = contentCodings.map((coding) => ({
    coding,
    weight: weightOf(coding) ?? anyWeight ?? 0,
  }))
  return offered
    .filter(({ weight }) => weight > 0 && weight >= identityWeight)
    .toSorted((a, b) => b.weight - a.weight)
}

function weightedMembers(text: string): Weighted[] {
  const members: Weighted[] = []
  for (const member of text.toLowerCase().split(',')) {
    const [name = '', ...parameters] = member.split(';').map((part) => part.trim())
    if (name === '') continue
    const given = parameters.find((parameter) => /^q\s*=/.test(parameter))
    members.push({ name, weight: given === undefined ? 1 : weightFrom(given) })
  }
  return members
}

// What is no weight says nothing that could be relied on: the member is not accepted.
function weightFrom(parameter: string): number {
  const text = parameter.slice(parameter.indexOf('=') + 1).trim()
  return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(text) ? Number(text) : 0
}
