/** One metric, with all its samples. */
export interface Family {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly samples: readonly Sample[]
}

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Metrics by name. */
export type Exposition = ReadonlyMap<string, Family>

/**
 * Reads what Prometheus would scrape, and is as strict as `promtool check metrics`: what its parser
 * refuses and what its linter (client_golang's promlint) complains about both throw.
 */
export function parsePrometheus(text: string): Exposition {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  return parseLines(text.slice(0, -1).split('\n'), (type) => (type === 'counter' ? '_total' : ''))
}

/** The same for OpenMetrics 1.0, where a counter is named without `_total` and the text has an end. */
export function parseOpenMetrics(text: string): Exposition {
  if (!text.endsWith('# EOF\n')) throw new Error('the text has no end')
  return parseLines(text.slice(0, -'# EOF\n'.length - 1).split('\n'), () => '')
}

type Draft = { name: string; type?: Family['type']; help: string; samples: Sample[] }

function parseLines(lines: readonly string[], ending: (type: string) => string): Exposition {
  const drafts = new Map<string, Draft>()
  let current: Draft | undefined
  for (const line of lines) {
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
    if (keyword === 'HELP') {
      if (drafts.has(name)) throw new Error(`${name} comes twice: ${line}`)
      if (!/^(?:[^\\]|\\[\\n])*$/.test(rest)) throw new Error(`an unknown escape: ${line}`)
      current = { name, help: rest, samples: [] }
      drafts.set(name, current)
    } else if (keyword === 'TYPE') {
      if (current?.name !== name) throw new Error(`a type without help: ${line}`)
      if (rest !== 'counter' && rest !== 'gauge' && rest !== 'histogram') {
        throw new Error(`an unknown type: ${line}`)
      }
      if (!name.endsWith(ending(rest))) throw new Error(`a counter is not named so: ${line}`)
      current.type = rest
    } else {
      if (current?.type === undefined) throw new Error(`no type for the sample: ${line}`)
      current.samples.push(parseSample(line))
    }
  }
  return new Map([...drafts].map(([name, draft]) => [name, finish(draft as Family)]))
}

function parseSample(line: string): Sample {
  const [, name = '', labels, value = ''] =
    /^([a-zA-Z_:][\w:]*)(?:\{((?:[^"{}]|"(?:[^"\\]|\\.)*")*)\})? (\S+)$/.exec(line) ?? []
  if (name === '') throw new Error(`no sample: ${line}`)
  if (!/^([+-]?Inf|NaN|[+-]?\d+(\.\d+)?(e[+-]?\d+)?)$/.test(value))
    throw new Error(`no number: ${line}`)
  return {
    name,
    labels: parseLabels(labels ?? '', line),
    value: Number(value.replace('Inf', 'Infinity')),
  }
}

function parseLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {}
  const whole = /(?:([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,(?=[a-zA-Z_])|$))/gy
  let read = 0
  for (const [match, name = '', value = ''] of text.matchAll(whole)) {
    if (name in labels) throw new Error(`label ${name} comes twice: ${line}`)
    labels[name] = value.replace(/\\(.)/g, (_, escaped) => (escaped === 'n' ? '\n' : escaped))
    read += match.length
  }
  if (read !== text.length) throw new Error(`these are no labels: ${line}`)
  return labels
}

function finish(family: Family): Family {
  const { name, type, help, samples } = family
  const complain = (about: string): never => {
    throw new Error(`${name}: ${about}`)
  }
  if (help === '') complain('no help')
  if (type === undefined) complain('no type')
  if (samples.length === 0) complain('no samples')
  lintName(name, type, complain)
  const seen = new Set<string>()
  for (const { name: own, labels, value } of samples) {
    const series = `${own}${keyOf(labels)}`
    if (seen.has(series)) complain(`the same series twice: ${series}`)
    seen.add(series)
    for (const label of Object.keys(labels)) {
      if (!/^[a-z][a-z0-9_]*$/.test(label)) complain(`a label in another case: ${label}`)
      if (label === 'quantile' || (label === 'le' && type !== 'histogram'))
        complain('a reserved label')
    }
    if (type !== 'gauge' && !(value >= 0)) complain(`${type} of ${value}`)
    if (type === 'gauge' && own !== name) complain(`a sample of another name: ${own}`)
    if (type === 'counter' && own !== (name.endsWith('_total') ? name : `${name}_total`)) {
      complain(`a sample of another name: ${own}`)
    }
  }
  if (type === 'histogram') checkHistograms(family, complain)
  return family
}

// What promlint looks for in a name.
const abbreviations = [
  's',
  'ms',
  'us',
  'ns',
  'sec',
  'b',
  'kb',
  'mb',
  'gb',
  'tb',
  'pb',
  'm',
  'h',
  'd',
]
const otherUnits =
  /^(minutes|hours|days|weeks|milliseconds|microseconds|nanoseconds|bits|kilobytes|kibibytes|megabytes|mebibytes|gigabytes|gibibytes|percent|kelvin|fahrenheit|inches|feet|yards|miles|calories|ounces|pounds|tons)$/

function lintName(name: string, type: string, complain: (about: string) => never): void {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) complain('no name in snake case')
  const words = name.split('_')
  if (words.some((word) => otherUnits.test(word))) complain('a unit that is no base unit')
  if (words.some((word, at) => at > 0 && abbreviations.includes(word)))
    complain('an abbreviated unit')
  if (words.some((word) => ['counter', 'gauge', 'histogram', 'summary'].includes(word))) {
    complain('its type in its name')
  }
  if (type !== 'counter' && name.endsWith('_total')) complain('the ending of a counter')
  if (/_(count|sum|bucket)$/.test(name)) complain('the ending of a part of a histogram')
}

function checkHistograms({ name, samples }: Family, complain: (about: string) => never): void {
  const bySeries = new Map<string, Sample[]>()
  for (const sample of samples) {
    const { le: _le, ...labels } = sample.labels
    const key = keyOf(labels)
    bySeries.set(key, [...(bySeries.get(key) ?? []), sample])
  }
  for (const [key, parts] of bySeries) {
    const buckets = parts.filter((part) => part.name === `${name}_bucket`)
    const borders = buckets.map(({ labels }) => Number(labels['le']?.replace('Inf', 'Infinity')))
    const [count, ...counts] = parts.filter((part) => part.name === `${name}_count`)
    const [sum, ...sums] = parts.filter((part) => part.name === `${name}_sum`)
    if (sum === undefined || count === undefined || counts.length + sums.length > 0) {
      complain(`no sum and count of ${key}`)
    }
    if (parts.length !== buckets.length + 2) complain(`odd samples of ${key}`)
    if (borders.at(-1) !== Infinity) complain(`no bucket for all of ${key}`)
    if (borders.some((border, at) => !(border > (borders[at - 1] ?? -Infinity)))) {
      complain(`buckets of ${key} in disorder`)
    }
    if (buckets.some(({ value }, at) => value < (buckets[at - 1]?.value ?? 0))) {
      complain(`buckets of ${key} do not add up`)
    }
    if (buckets.at(-1)?.value !== count?.value)
      complain(`bucket for all and count of ${key} differ`)
  }
}

function keyOf(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => a.localeCompare(b)))
}
