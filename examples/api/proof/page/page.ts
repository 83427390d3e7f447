import { readFileSync } from 'node:fs'
import { buildNames } from '../../api/contract.ts'
import type { Catalogue } from '../catalogue.ts'
import { reportSource, type Report } from '../report.ts'
import { isShort, type RowResult } from '../row.ts'
import { formatFigure, formatGain } from '../table.ts'
import { claimNote, verdicts } from '../verdicts.ts'

const style = readFileSync(new URL('./style.css', import.meta.url), 'utf8')
const script = readFileSync(new URL('./live.js', import.meta.url), 'utf8')

/** A route to try, with ids that exist. */
interface TryLink {
  readonly path: string
  readonly what: string
}

/** The page that the hotpath build serves at `/`: one file, nothing fetched from elsewhere. */
export function renderPage(report: Report, catalogue: Catalogue): string {
  const links = linksTo(catalogue)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>hotpath: a real API made fast, and the proof</title>
<link rel="icon" href="data:,">
<style>
${style}</style>
</head>
<body>
<header>
<h1>hotpath</h1>
<p>This is a question-and-answer API with ${escape(reportSource(report))}. The same routes were
built three times, as a naive, a usual and a hotpath build, and put under the same load.
The hotpath build is what answers here.</p>
</header>
<main>
<section aria-labelledby="proof">
<h2 id="proof">The proof</h2>
<div class="scroll" tabindex="0" role="region" aria-labelledby="proof">
${proofTable(report)}
</div>
<ul class="verdicts">
${verdicts(report)
  .map(({ isGood, text }) => `<li class="${isGood ? 'good' : 'short'}">${escape(text)}</li>`)
  .join('\n')}
</ul>
<ul class="notes">
${[...report.results.flatMap(({ measurement }) => measurement.notes ?? []), claimNote]
  .map((note) => `<li>${escape(note)}</li>`)
  .join('\n')}
</ul>
</section>
<section aria-labelledby="routes">
<h2 id="routes">Routes to try</h2>
<ul class="routes">
${links
  .map(
    ({ path, what }) =>
      `<li><a href="${escape(path)}"><code>${escape(path)}</code></a><span>${escape(what)}</span></li>`,
  )
  .join('\n')}
</ul>
<p>Writes: <code>PATCH /api/users/:id</code> and <code>POST /api/questions/:id/votes</code>; the
next read shows them.</p>
</section>
<section aria-labelledby="live">
<h2 id="live">This server, now</h2>
<p>Reload a route and watch its hits. All figures:
<a href="/hotpath/stats"><code>/hotpath/stats</code></a>.</p>
<div class="live" id="stats" aria-live="off"></div>
</section>
<section aria-labelledby="conditions">
<h2 id="conditions">How it was measured</h2>
<dl>
${[['Machine', report.machine] as const, ...report.conditions]
  .map(([name, value]) => `<div><dt>${escape(name)}</dt><dd>${escape(value)}</dd></div>`)
  .join('\n')}
</dl>
</section>
</main>
<script>
${script}</script>
</body>
</html>
`
}

function linksTo({ users, questions, authors, tags }: Catalogue): TryLink[] {
  return [
    { path: `/api/questions/${questions[0]}`, what: 'A question with its answers and comments' },
    { path: '/api/questions', what: 'The newest questions' },
    {
      path: `/api/questions?tag=${encodeURIComponent(tags[0] ?? '')}`,
      what: 'The newest questions of a tag',
    },
    { path: `/api/users/${users[0]}`, what: 'A user' },
    { path: `/api/users/${authors[0]}/posts`, what: 'What a user wrote, newest first' },
    { path: '/api/stats/tags', what: 'An expensive aggregate' },
    { path: '/api/stats/tags/related', what: 'Tags that go together, worked out in a thread' },
    { path: '/api/data', what: 'How much there is, 100 times a minute' },
    { path: '/api/users/2147483647', what: 'Nobody: 404, remembered like an answer' },
    { path: '/api/users/abc', what: 'Not an id: 400, with the reason' },
  ]
}

function proofTable({ results }: Report): string {
  const head = ['Pattern', ...buildNames, 'over naive', 'over usual', 'claimed']
  return `<table>
<thead><tr>${head.map((text) => `<th scope="col">${text}</th>`).join('')}</tr></thead>
<tbody>
${results.map(proofRow).join('\n')}
</tbody>
</table>`
}

function proofRow(result: RowResult): string {
  const { row, medians, gain, gainOverUsual } = result
  const figures = buildNames.map(
    (build) => `<td data-label="${build}" class="${build}">${formatFigure(medians[build])}</td>`,
  )
  return `<tr>
<th scope="row">${escape(row.what)}&nbsp;<small>${row.unit}</small></th>
${figures.join('\n')}
${gainCell('naive', gain, result)}
${gainCell('usual', gainOverUsual, result)}
<td data-label="claimed" class="claim">${escape(row.claimed)}</td>
</tr>`
}

function gainCell(over: 'naive' | 'usual', gain: number, result: RowResult): string {
  const [style, mark] = isShort(result, over) ? ['gain short', '*'] : ['gain', '']
  return `<td data-label="over ${over}" class="${style}">${formatGain(gain)}${mark}</td>`
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
