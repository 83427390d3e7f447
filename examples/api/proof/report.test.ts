import { describe, expect, test } from 'vitest'
import { renderPage } from './page/page.ts'
import { isWrong, reportSource, toJson, type Report } from './report.ts'
import { judge } from './row.ts'
import { toText } from './text-report.ts'

const nothingStale = { checked: 100, stale: 0 }
const row = judge(
  {
    id: 'mixed-rps',
    order: 100,
    what: 'Whole <API>',
    unit: 'req/s',
    better: 'higher',
    claimed: '–',
    budgetMs: 1_000,
    aims: { gain: 10, gainOverUsual: 1.4 },
    measure: () => Promise.reject(new Error('measured already')),
  },
  { rounds: { naive: [10], usual: [900], hotpath: [1_000] }, notes: ['A note.'] },
)
const report: Report = {
  machine: '2 cores',
  data: { source: 'generated', users: 20, posts: 300 },
  identical: { checked: 280, different: 0 },
  results: [row],
  stale: { naive: nothingStale, usual: nothingStale, hotpath: nothingStale },
  hitRatio: 0.9,
  conditions: [['Popularity', 'zipf, exponent 1']],
}
const catalogue = {
  counts: { users: 20, posts: 300 },
  users: [1],
  questions: [2],
  tags: ['c++'],
  authors: [3],
  targets: [],
}

describe('the report', () => {
  test('begins, as JSON, with what was promised, and in that order', () => {
    const { rows, ...rest } = JSON.parse(toJson(report)) as { rows: object[] }
    expect(Object.keys(rest).slice(0, 3)).toEqual(['machine', 'data', 'identical'])
    expect(rest).toMatchObject({
      machine: '2 cores',
      data: { source: 'generated', users: 20, posts: 300 },
      identical: { checked: 280, different: 0 },
    })
    expect(rows).toEqual([
      {
        id: 'mixed-rps',
        what: 'Whole <API>',
        unit: 'req/s',
        naive: 10,
        usual: 900,
        hotpath: 1_000,
        gain: 100,
        gainOverUsual: 1_000 / 900,
        claimed: '–',
      },
    ])
  })

  test('is wrong when builds disagree or hotpath is stale, not when a gain falls short', () => {
    expect(isWrong(report)).toBe(false)
    expect(isWrong({ ...report, identical: { checked: 280, different: 1 } })).toBe(true)
    const stale = { ...report.stale, hotpath: { checked: 100, stale: 1 } }
    expect(isWrong({ ...report, stale })).toBe(true)
    const usualStale = { ...report.stale, usual: { checked: 100, stale: 1 } }
    expect(isWrong({ ...report, stale: usualStale })).toBe(false)
  })

  test('says that data is generated, and which dump it came from', () => {
    expect(reportSource(report)).toBe('20 users and 300 posts, all of them generated')
    const dumped = { ...report, data: { ...report.data, source: '/dumps/french' } }
    expect(reportSource(dumped)).toBe('20 users and 300 posts from the dump in /dumps/french')
  })

  test('marks the gain that falls short, and says so, in the terminal and on the page', () => {
    const shortfall = 'Whole <API>: 1.11× over usual, short of the 1.4× we aim for.'
    const text = toText(report)
    expect(text).toMatch(/Whole <API> +req\/s +10 +900 +1,000 +100×  +1\.11×\* +–/)
    expect(text).toContain(`   *  ${shortfall}`)
    const page = renderPage(report, catalogue)
    expect(page).toContain('class="gain short">1.11×*<')
    expect(page).toContain('class="gain">100×<')
  })

  test('is a page without foreign resources and without unescaped text', () => {
    const page = renderPage(report, catalogue)
    expect(page).not.toMatch(/https?:/)
    expect(page).not.toContain('<API>')
    expect(page).toContain('href="/api/questions?tag=c%2B%2B"')
  })
})
