import { expect, test } from 'vitest'
import { parseOpenMetrics, parsePrometheus } from '../metrics/prometheus-parser.ts'

const histogram = (rows: string) => `# HELP a_seconds A.\n# TYPE a_seconds histogram\n${rows}`

test.each([
  ['no end of line', '# HELP a A.\n# TYPE a gauge\na 1'],
  ['no help', '# TYPE a gauge\na 1\n'],
  ['an empty help', '# HELP a \n# TYPE a gauge\na 1\n'],
  ['no type', '# HELP a A.\na 1\n'],
  ['no samples', '# HELP a A.\n# TYPE a gauge\n'],
  [
    'a family in two places',
    '# HELP a A.\n# TYPE a gauge\na 1\n# HELP a A.\n# TYPE a gauge\na 2\n',
  ],
  ['a counter without _total', '# HELP a A.\n# TYPE a counter\na 1\n'],
  ['a gauge with _total', '# HELP a_total A.\n# TYPE a_total gauge\na_total 1\n'],
  ['a gauge with _count', '# HELP a_count A.\n# TYPE a_count gauge\na_count 1\n'],
  ['a negative counter', '# HELP a_total A.\n# TYPE a_total counter\na_total -1\n'],
  ['milliseconds', '# HELP a_milliseconds A.\n# TYPE a_milliseconds gauge\na_milliseconds 1\n'],
  ['an abbreviated unit', '# HELP a_ms A.\n# TYPE a_ms gauge\na_ms 1\n'],
  ['another case', '# HELP aB A.\n# TYPE aB gauge\naB 1\n'],
  ['a series twice', '# HELP a A.\n# TYPE a gauge\na{b="1",c="2"} 1\na{c="2",b="1"} 1\n'],
  ['a label twice', '# HELP a A.\n# TYPE a gauge\na{b="1",b="2"} 1\n'],
  ['a quote in a label', '# HELP a A.\n# TYPE a gauge\na{b="1"2"} 1\n'],
  ['a backslash in a label', '# HELP a A.\n# TYPE a gauge\na{b="\\r"} 1\n'],
  ['a line feed in a label', '# HELP a A.\n# TYPE a gauge\na{b="\n"} 1\n'],
  ['no number', '# HELP a A.\n# TYPE a gauge\na undefined\n'],
  ['le of a gauge', '# HELP a A.\n# TYPE a gauge\na{le="1"} 1\n'],
  [
    'no bucket for all',
    histogram('a_seconds_bucket{le="1.0"} 1\na_seconds_sum 1\na_seconds_count 1\n'),
  ],
  ['no sum', histogram('a_seconds_bucket{le="+Inf"} 1\na_seconds_count 1\n')],
  [
    'a count of its own',
    histogram('a_seconds_bucket{le="+Inf"} 1\na_seconds_sum 1\na_seconds_count 2\n'),
  ],
  [
    'buckets that shrink',
    histogram(
      'a_seconds_bucket{le="1.0"} 2\na_seconds_bucket{le="+Inf"} 1\na_seconds_sum 1\na_seconds_count 1\n',
    ),
  ],
])('refuses %s', (_what, text) => {
  expect(() => parsePrometheus(text)).toThrow()
})

test('reads what is right', () => {
  const text = `# HELP a_total Says "a\\\\b".\n# TYPE a_total counter\na_total{b="x\\"y\\\\z\\n"} 1e-7\n`
  expect(parsePrometheus(text).get('a_total')?.samples).toEqual([
    { name: 'a_total', labels: { b: 'x"y\\z\n' }, value: 1e-7 },
  ])
  const open = `# HELP a A.\n# TYPE a counter\na_total 1\n# EOF\n`
  expect(parseOpenMetrics(open).get('a')?.samples[0]?.name).toBe('a_total')
  expect(() => parseOpenMetrics(text)).toThrow('no end')
})
