import { buildNames } from '../api/contract.ts'
import type { Report } from './report.ts'

/** One sentence of the proof apart from its table, and whether it speaks for us. */
export interface Verdict {
  readonly isGood: boolean
  readonly text: string
}

/** Whose claims the last column holds. */
export const claimNote =
  'Claimed: what the document that this project began with says of the pattern, wherever it was measured.'

/** The hit ratio that the design document claims. */
const claimedHitRatio = 0.8

/** What the proof says beside its table: equality, staleness, hit ratio, and each missed aim. */
export function verdicts(report: Report): Verdict[] {
  const { identical, stale, hitRatio, results } = report
  return [
    identicalVerdict(identical),
    staleVerdict(stale),
    {
      isGood: hitRatio > claimedHitRatio,
      text: `The hotpath build answered ${percent(hitRatio)} of the mixed load's reads from its cache; over ${percent(claimedHitRatio)} after warm-up is claimed.`,
    },
    ...results.flatMap(({ shortfalls }) => shortfalls.map(({ text }) => ({ isGood: false, text }))),
  ]
}

function identicalVerdict({ checked, different }: Report['identical']): Verdict {
  const sampled = `${checked} sampled requests (existing, missing and malformed ids, cursors, tags)`
  if (different === 0) {
    return { isGood: true, text: `${sampled} got the same JSON from all three builds.` }
  }
  return { isGood: false, text: `${sampled}: ${different} got different JSON from the builds.` }
}

/** How many answers were stale, in each build. */
export function staleVerdict(stale: Report['stale']): Verdict {
  const counts = buildNames.map(
    (build) => `${build} ${stale[build].stale} of ${stale[build].checked}`,
  )
  return {
    isGood: stale.hotpath.stale === 0 && stale.hotpath.checked > 0,
    text: `Stale answers after a write, quiet and under load: ${counts.join(', ')}.`,
  }
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(0)} %`
}
