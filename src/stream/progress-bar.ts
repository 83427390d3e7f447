import type { WriteStream } from 'node:tty'
import type { StreamProgress } from './progress.ts'

const barCells = 24

/** Draws a bar on a terminal, and nothing where the output is not one. */
export class ProgressBar {
  readonly #output: WriteStream

  constructor(output: WriteStream) {
    this.#output = output
  }

  readonly show = (progress: StreamProgress): void => {
    if (!this.#output.isTTY) return
    const text = describeProgress(progress).slice(0, Math.max(1, this.#output.columns - 1))
    this.#output.write(`\r\u001b[K${text}`)
  }

  /** Leaves the line to whoever writes next. */
  close(): void {
    if (this.#output.isTTY) this.#output.write('\r\u001b[K')
  }
}

/** One line: `[██████░░] 52 %  410 MB/s  4,600,000 rows  3 s left`. */
export function describeProgress(progress: StreamProgress): string {
  const { bytes, totalBytes, rows, rejected, bytesPerSecond, remainingMs } = progress
  const parts = [`${readable(bytesPerSecond / 1e6)} MB/s`, `${readable(rows)} rows`]
  if (rejected > 0) parts.push(`${readable(rejected)} rejected`)
  if (remainingMs !== undefined) parts.push(`${readable(Math.ceil(remainingMs / 1_000))} s left`)
  if (totalBytes === undefined) return [`${readable(bytes / 1e6)} MB`, ...parts].join('  ')
  const ratio = totalBytes === 0 ? 1 : Math.min(1, bytes / totalBytes)
  const full = Math.round(ratio * barCells)
  const bar = `[${'█'.repeat(full)}${'░'.repeat(barCells - full)}]`
  return [`${bar} ${Math.floor(ratio * 100)} %`, ...parts].join('  ')
}

function readable(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}
